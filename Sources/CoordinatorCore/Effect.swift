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

/// What the coordinator wants done.
///
/// The shell carries effects out in the order given; tensor effects (`keepInput` to `commit`) run
/// one after the other on its compute threads.
///
/// A request with tensors has exactly one `keepInput`, `keepNode` or `dropStaged` among the effects
/// of the very call of `handle` that took it in, also if its connection is gone by then. So the
/// shell takes staged tensors out by key while it carries out that call's effects, and nothing is
/// staged between two calls.
public enum Effect: Hashable, Sendable {
    /// Send a reply without tensors.
    case reply(ConnectionID, RequestID, Reply)
    /// Send the status document, which the shell makes from `StepMachine.status(at:)` and its own
    /// figures.
    case replyStatus(ConnectionID, RequestID)
    /// Send a push; on a worker's control connection.
    case push(ConnectionID, Push)
    /// Close a connection once what was sent before is out.
    case close(ConnectionID)
    /// Send the open step's version in reply to `fetchVersion`.
    case sendVersion(ConnectionID, RequestID, FetchVersion)
    /// Open a step: make its tasks and let the method draw; then event `stepOpened`. A step that is
    /// open is opened again if something of a faulty worker is in it: inputs, answers and nodes are
    /// forgotten, tasks and draw stay, and the version has another name, since `doubt` came before.
    case openStep(StepNumber)
    /// A staged exchange input is the one that counts for its slice and round.
    case keepInput(StagedKey, StepNumber, SliceNumber, round: Int)
    /// Staged tensors are not wanted.
    case dropStaged(StagedKey)
    /// Every input of an answer group is kept (empty slices have none): answer it; then event
    /// `groupAnswered`.
    case answerGroup(StepNumber, round: Int, group: Int, slices: SliceRange)
    /// Send a slice's answer of an answered group.
    case sendAnswer(ConnectionID, RequestID, ExchangeAnswer)
    /// A staged node counts; it replaces its kept descendants. Where a sibling is empty, the node
    /// named is the highest one with the same sum (`GradientTree.lifted`).
    case keepNode(StagedKey, StepNumber, SliceRange, replacing: [SliceRange])
    /// A kept node counts no more: a slice of it is disputed. Its slices come again.
    case dropNode(StepNumber, SliceRange)
    /// Something that was computed in this opening of the step is in doubt: every later opening, of
    /// this start and of any other, gives its version a name that it has not had, so that nothing
    /// that workers keep of this one can count in it. Once in an opening, and before the next.
    case doubt(StepNumber)
    /// Both children of a node are kept: add them, left before right. Exactly two kept nodes lie
    /// inside it then; they are its children, or stand for them where a child has empty slices.
    case combine(StepNumber, SliceRange)
    /// Every slice is in, and one node is kept: optimizer, tables, ledger; then event `committed`.
    /// The accounts are those of the slices that hold samples, in order.
    case commit(StepNumber, [SliceAccount])
    /// Write a checkpoint of the state after `committed` steps, off the training path; then
    /// event `checkpointed`.
    case checkpoint(committed: StepNumber)
    /// The run is over; the last checkpoint is on disk (unless it failed).
    case over(RunOver)
    /// Something for the log and the events file.
    case note(NoteLevel, String)
}
