/// What a peer is to the coordinator, and so what it may ask: a token gives it.
public enum PeerRole: UInt8, Hashable, Sendable, CaseIterable {
    /// Computes slices; asks for work and hands results in.
    case worker = 1
    /// Looks: asks for status.
    case viewer = 2
    /// Looks and acts: asks the coordinator to stop, for one.
    case `operator` = 3

    /// The role as commands and token files write it.
    public var name: String {
        switch self {
        case .worker: "worker"
        case .viewer: "viewer"
        case .operator: "operator"
        }
    }

    /// The role that is written so; nil for another word.
    public init?(name: some StringProtocol) {
        guard let role = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = role
    }

    /// Whether it may change what the coordinator does.
    public var mayAct: Bool { self == .operator }
}
