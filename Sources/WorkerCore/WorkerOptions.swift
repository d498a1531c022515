public import Identity
import Messages

/// What a worker is told when it is started.
public struct WorkerOptions: Hashable, Sendable {
    /// Where the coordinator listens.
    public var url: String
    /// The name under which it appears; unique among live workers.
    public var name: String
    /// Compute slots, each with a thread of its own.
    public var slots: Int
    /// Where the data lie; nil for where the run file says.
    public var dataDirectory: String?
    /// The data shards that it holds, rising; empty for all.
    public var shards: [UInt32]
    /// Files of the features that a clustering is of; empty for where its coordinator found them.
    public var features: [String]
    /// Whether an unencrypted connection to another machine is allowed.
    public var insecure: Bool
    /// What the worker proves itself with; nil where the coordinator asks for no tokens.
    public var credential: Credential?
    /// Bytes that activations of parked slices may take on this worker; past it they are dropped
    /// and forward runs again when the answer comes, with the same bits.
    public var activationBudgetBytes: Int

    /// A gigabyte: hundreds of small slices, a handful of large ones.
    public static let activationBudgetBytesDefault = 1 << 30

    /// Options with these values.
    public init(
        url: String, name: String, slots: Int = 1, dataDirectory: String? = nil,
        shards: [UInt32] = [], features: [String] = [], insecure: Bool = false,
        credential: Credential? = nil,
        activationBudgetBytes: Int = WorkerOptions.activationBudgetBytesDefault
    ) {
        self.url = url
        self.name = name
        self.slots = slots
        self.dataDirectory = dataDirectory
        self.shards = shards
        self.features = features
        self.insecure = insecure
        self.credential = credential
        self.activationBudgetBytes = activationBudgetBytes
    }

    /// What is wrong with the options, as a sentence with its remedy; nil if nothing is.
    var problem: String? {
        guard isValidPeerName(name) else {
            return "The name '\(name)' cannot be used: \(peerNameRule)."
        }
        guard (1...MessageLimits.slots).contains(slots) else {
            return "\(slots) slots cannot be used: take 1 to \(MessageLimits.slots)."
        }
        if let credential, credential.token(for: .worker, name: name) == nil {
            return WrongCredential(name: name, credential: credential).description
        }
        return nil
    }
}
