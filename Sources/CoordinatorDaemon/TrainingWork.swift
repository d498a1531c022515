import CoordinatorCore
import Datasets
import Evaluation
import Messages
import Methods
import Networks
import Optimizers
import RunFiles
import Storage
import Tensors
import Wire

/// A training run as a coordinator's work: its state directory and its numeric state.
struct TrainingWork: CoordinatedWork {
    let settings: MachineSettings
    let run: LoadedRun
    let directory: RunDirectory
    private let evaluations: EvaluationWatch
    private let engine: StateEngine
    private let writer: CheckpointWriter
    private let states: AsyncStream<NumericState>
    /// Events that the engine has in the middle of a command.
    private let asides: AsyncStream<Event>
    private let endAsides: AsyncStream<Event>.Continuation

    init(
        run: LoadedRun, directory: RunDirectory, options: CoordinatorOptions, board: FigureBoard,
        shelf: VersionShelf
    ) {
        settings = machineSettings(run: run, epoch: directory.epoch, options: options)
        let (states, snapshots) = AsyncStream.makeStream(of: NumericState.self)
        self.run = run
        self.directory = directory
        evaluations = EvaluationWatch(directory: directory.path)
        self.states = states
        let (asides, endAsides) = AsyncStream.makeStream(of: Event.self)
        (self.asides, self.endAsides) = (asides, endAsides)
        let copies = CopyBudget(byteLimit: run.plan.settings.checkpoint.copyBudget) {
            endAsides.yield(.copiesFull($0))
        }
        engine = StateEngine(
            run: run, directory: directory, board: board, shelf: shelf, snapshots: snapshots,
            copies: copies)
        writer = CheckpointWriter(directory: directory, copies: copies)
    }

    func serve(
        _ commands: AsyncStream<EngineCommand>,
        report: @escaping @Sendable (Event) async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await engine.serve(commands, report: report)
                endAsides.finish()
            }
            group.addTask { for await event in asides { await report(event) } }
            group.addTask { await writer.serve(states, report: report) }
        }
    }

    func input(
        _ tensors: [WireTensor], of exchange: Exchange
    ) throws(Refusal) -> NamedTensors {
        let method = run.plan.method
        let input = try NamedTensors(wire: tensors)
        guard Int(exchange.round) < method.exchanges.count,
            exchange.slice.index < run.sampler.slices
        else {
            throw Refusal(.badValue, "round \(exchange.round), slice \(exchange.slice)")
        }
        let samples = run.sampler.rows(
            step: exchange.step.index, slice: exchange.slice.index
        ).count
        let problem = method.problem(
            with: input, round: Int(exchange.round), samples: samples)
        if let problem { throw Refusal(.badValue, problem) }
        guard input.digest == exchange.digest else {
            throw Refusal(.badValue, "the tensors do not have the digest that comes with them")
        }
        return input
    }

    func node(
        _ tensors: [WireTensor], of delivery: DeliverNode
    ) throws(Refusal) -> SliceResult {
        let result = try SliceResult(wire: tensors)
        guard result.precision == run.plan.gradientPrecision else {
            throw Refusal(
                .badValue,
                "node \(delivery.node): a gradient of type \(result.precision), the run's are "
                    + "\(run.plan.gradientPrecision)")
        }
        let layout = run.plan.method.layout
        guard result.gradient.count == layout.flatCount,
            result.statistics.count == layout.bufferLayout.flatCount,
            result.sums.map(\.name) == run.plan.method.sumNames
        else {
            throw Refusal(
                .badValue,
                "node \(delivery.node): gradient of \(result.gradient.count), statistics of "
                    + "\(result.statistics.count), sums \(result.sums.map(\.name))")
        }
        return result
    }

    var rounds: [StatusDocument.Round] {
        zip(run.plan.method.exchanges, run.plan.answerGroups).map {
            StatusDocument.Round(name: $0.name, groups: $1.count)
        }
    }

    func newestEvaluation() -> EvaluationRecord? { evaluations.newest }

    func keep(_ level: NoteLevel, _ text: String) {
        directory.appendEvent(level: level, text: text)
    }

    func close() { directory.close() }
}
