/// A bug that the simulation plants in a worker's decisions, to see that it is found.
///
/// Nobody but tests can plant one: there is no way to it from options or run files.
package enum WorkerFlaw: String, CaseIterable, Sendable {
    /// A silent coordinator is waited for without end.
    case deaf
    /// A new life begins with the slots of the one before.
    case remembersOldLife
    /// A result without a sibling here is forgotten.
    case losesLoneNodes
    /// Results of the step before are taken for those of the open one.
    case keepsOldSteps
    /// A slot whose slice ended without a result asks for no other one.
    case asksNoMore
    /// After the first refused rejoin the worker waits without trying again.
    case triesOnce
}
