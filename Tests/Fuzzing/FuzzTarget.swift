/// One of the targets, as those who drive it see it.
public struct FuzzTarget: Sendable {
    let target: any Target.Type

    /// How it is named on the command line, and its corpus on disk.
    public var name: String { target.name }

    /// Whether its inputs hold text, whose words can be exchanged.
    public var isText: Bool { target.isText }

    /// Inputs that are read, to begin with.
    public func seeds() throws -> [[UInt8]] { try target.seeds() }

    /// Reads and checks an input.
    ///
    /// - Parameter metered: runs the reading and gives the most bytes that it held at once.
    /// - Returns: whether the input was read.
    public func run(
        _ input: [UInt8], metered: (() -> Void) -> Int
    ) throws(BrokenPromise) -> Bool {
        try target.run(input, metered: metered)
    }

    /// The input with its checksums made right.
    public func sealed(_ input: [UInt8]) -> [UInt8] { target.sealed(input) }

    /// Every target.
    public static let all = targets.map(FuzzTarget.init)
}

private let targets: [any Target.Type] = [
    FrameTarget.self, ChunkTarget.self, SafetensorsTarget.self, JSONTarget.self,
    CheckpointTarget.self, LogTarget.self, SealedTarget.self, StateTarget.self, NPYTarget.self,
    IDXTarget.self, RunFileTarget.self, WordTarget.self,
]
