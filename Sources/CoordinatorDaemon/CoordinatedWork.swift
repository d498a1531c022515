import CoordinatorCore
import Evaluation
import Messages
import Methods
import Optimizers
import Tensors
import Wire

/// What a coordinator has workers compute: the part behind the machine, with everything numeric.
///
/// There are two: a training run (`TrainingWork`) and the assignments of a clustering
/// (`AssignmentWork`).
protocol CoordinatedWork: Sendable {
    /// What the machine is told of the work, the same for the coordinator's whole life.
    var settings: MachineSettings { get }
    /// Carries out commands in order until their stream ends; events go back through `report`.
    func serve(
        _ commands: AsyncStream<EngineCommand>,
        report: @escaping @Sendable (Event) async -> Void
    ) async
    /// The input that came with an exchange.
    ///
    /// - Throws: a refusal if it cannot be used.
    func input(
        _ tensors: [WireTensor], of exchange: Exchange
    ) throws(Refusal) -> NamedTensors
    /// The node that came with a delivery.
    ///
    /// - Throws: a refusal if it cannot be used.
    func node(_ tensors: [WireTensor], of delivery: DeliverNode) throws(Refusal) -> SliceResult
    /// The exchange rounds of a step, for status.
    var rounds: [StatusDocument.Round] { get }
    /// What was measured of the newest model that was measured, for status; nil if nothing was.
    func newestEvaluation() -> EvaluationRecord?
    /// Something that an operator acts on or wants to know, for a file that is kept.
    func keep(_ level: NoteLevel, _ text: String)
    /// The coordinator ends.
    func close()
}
