public import Messages

/// Who delivered a slice's result, for the ledger.
public struct SliceAccount: Hashable, Sendable {
    /// The slice's leaf as delivered.
    public var leaf: Leaf
    /// How many times it was leased.
    public var attempts: Int
    /// The worker whose result counted.
    public var worker: String
    /// An account of a slice.
    public init(leaf: Leaf, attempts: Int, worker: String) {
        self.leaf = leaf
        self.attempts = attempts
        self.worker = worker
    }
}

/// How loud a note is.
public enum NoteLevel: Hashable, Sendable {
    /// An operator acts on it.
    case warning
    /// An operator wants to know.
    case info
    /// For finding faults.
    case debug
}

/// What the coordinator wants done. The shell carries effects out in the order given; tensor
/// effects (`keepInput` to `commit`) run one after the other on its compute threads.
public enum Effect: Hashable, Sendable {
    /// Send a reply without tensors.
    case reply(ConnectionID, RequestID, Reply)
    /// Send a push.
    case push(ConnectionID, Push)
    /// Close a connection once what was sent before is out.
    case close(ConnectionID)
    /// Send the open step's version in reply to `fetchVersion`.
    case sendVersion(ConnectionID, RequestID, FetchVersion)
    /// Open a step: make its tasks and let the method draw; then event `stepOpened`.
    case openStep(StepNumber)
    /// A staged exchange input is the one that counts for its slice and round.
    case keepInput(StagedKey, StepNumber, SliceNumber, round: Int)
    /// Staged tensors are not wanted.
    case dropStaged(StagedKey)
    /// Every input of an answer group is kept: answer it; then event `groupAnswered`.
    case answerGroup(StepNumber, round: Int, group: Int, slices: SliceRange)
    /// Send a slice's answer of an answered group.
    case sendAnswer(ConnectionID, RequestID, ExchangeAnswer)
    /// A staged node counts; it replaces its kept descendants.
    case keepNode(StagedKey, StepNumber, SliceRange, replacing: [SliceRange])
    /// Both children of a node are kept: add them, left before right.
    case combine(StepNumber, SliceRange)
    /// Every slice is in: optimizer, tables, ledger; then event `committed`.
    case commit(StepNumber, [SliceAccount])
    /// Write a checkpoint of the state after `committed` steps, off the training path; then
    /// event `checkpointed`.
    case checkpoint(committed: StepNumber)
    /// The run is over; the last checkpoint is on disk (unless it failed).
    case over(RunOver)
    /// Something for the log and the events file.
    case note(NoteLevel, String)
}
