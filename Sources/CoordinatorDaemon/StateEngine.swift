import Buffers
import CoordinatorCore
import Datasets
import Foundation
import Identity
import Messages
import Methods
import Networks
import Optimizers
import RunFiles
import Storage
import Tensors
import Threads

/// What the daemon asks of the engine, in the machine's order.
enum EngineCommand: Sendable {
    /// Makes or loads labels, loads the newest whole checkpoint and the ledger.
    case prepare
    case open(StepNumber)
    /// Makes ahead what the step after the open one needs.
    case foresee(StepNumber)
    case keepInput(SliceNumber, round: Int, NamedTensors)
    case answer(StepNumber, round: Int, group: Int, slices: SliceRange)
    /// Makes ahead what the commit needs, if every group has its answer.
    case prepareCommit(StepNumber)
    case sendAnswer(ConnectionPort, RequestID, ExchangeAnswer)
    case keepNode(SliceRange, SliceResult, replacing: [SliceRange])
    case dropNode(SliceRange)
    case doubt
    case combine(SliceRange)
    case commit(StepNumber, [SliceAccount])
    case checkpoint(committed: StepNumber)
}

/// The numeric state of the run: parameters, optimizer, the method's tables, and what the open
/// step has gathered. It carries out the machine's tensor effects, one after the other, on a
/// thread of its own, so that the daemon answers while a table step runs.
actor StateEngine {
    /// Threads at work on parameters while a step commits, which every worker waits for.
    ///
    /// The number decides no bit. More than eight would wait for memory.
    static let threads = max(1, min(8, ProcessInfo.processInfo.activeProcessorCount))

    nonisolated let executor: ThreadExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.unowned }

    let run: LoadedRun
    let directory: RunDirectory
    let board: FigureBoard
    let method: any CoordinatorMethod
    private let snapshots: AsyncStream<NumericState>.Continuation
    /// What steps may copy for a checkpoint that is being written.
    let copies: CopyBudget
    var optimizer: ParameterOptimizer
    let shelf: VersionShelf
    /// The version of the open step.
    var version: VersionTensors
    var versionDigest: Digest
    /// That of its averages; nil without any.
    var averagesDigest: Digest?
    /// Steps that are in `version`.
    var committed = 0
    /// Inputs of the open step's exchanges, `[round][slice]`.
    private var inputs: [[NamedTensors?]] = []
    /// Answers of the open step's exchanges, `[round][slice]`; kept until the step commits.
    private var answers: [[NamedTensors?]] = []
    /// The tasks of the step after the open one.
    private var nextTasks: (step: Int, tasks: [SliceTask])?
    /// The tasks of the open step, of every slice in order.
    private(set) var tasks: [SliceTask] = []
    /// Slices of the open step that hold samples.
    private var filled: [Int] = []
    /// Openings in which something was in doubt, of all starts on this directory: part of the
    /// names of versions.
    private var doubts: Int
    /// Nodes of the open step's gradient tree, none inside another.
    private var nodes: [(range: SliceRange, result: SliceResult)] = []
    /// Committed steps of the checkpoint that later ones may hold the changes of.
    var base: Int?
    /// Ledger records of the steps that are computed again after a restart, the next one first.
    var repeated: [LedgerRecord] = []

    init(
        run: LoadedRun, directory: RunDirectory, board: FigureBoard, shelf: VersionShelf,
        snapshots: AsyncStream<NumericState>.Continuation, copies: CopyBudget
    ) {
        self.snapshots = snapshots
        self.copies = copies
        self.shelf = shelf
        executor = ThreadExecutor(name: "pleiad-state")
        self.run = run
        self.directory = directory
        doubts = directory.doubtsAtOpening
        self.board = board
        let (plan, layout) = (run.plan, run.plan.method.layout)
        method = plan.method.makeCoordinator(dataset: run.dataset, settings: plan.settings)
        let parameters = layout.initialised(seed: plan.settings.seed)
        version = VersionTensors(
            parameters: parameters, buffers: layout.initialisedBuffers(),
            averages: plan.method.averages == nil ? nil : parameters)
        averagesDigest = version.averagesDigest(threads: Self.threads)
        versionDigest = version.digest(averages: averagesDigest, threads: Self.threads)
        let optimizerSettings = plan.settings.optimizer
        optimizer = ParameterOptimizer(
            UpdateRule(optimizerSettings), parameterCount: layout.flatCount,
            clipNorm: optimizerSettings.clipNorm,
            undecayed: optimizerSettings.decaysNormsAndBiases ? [] : layout.normsAndBiases)
    }

    /// Carries out commands in order until the stream ends; events go back through `report`.
    func serve(
        _ commands: AsyncStream<EngineCommand>, report: @Sendable (Event) async -> Void
    ) async {
        for await command in commands {
            do {
                if let event = try perform(command) { await report(event) }
            } catch {
                await report(.failed("\(error)"))
            }
        }
        snapshots.finish()
        executor.stop()
    }

    private func perform(_ command: EngineCommand) throws -> Event? {
        switch command {
        case .prepare:
            return try prepare()
        case .open(let step):
            return .stepOpened(try open(step))
        case .foresee(let step):
            foresee(step)
            return nil
        case .keepInput(let slice, let round, let tensors):
            inputs[round][slice.index] = tensors
            return nil
        case .answer(let step, let round, let group, let slices):
            try answer(round: round, group: group, slices: slices.indices)
            return .groupAnswered(step, round: round, group: group)
        case .prepareCommit(let step):
            prepareCommit(step)
            return nil
        case .sendAnswer(let port, let request, let answer):
            sendAnswer(answer, as: request, on: port)
            return nil
        case .keepNode(let range, let result, let replaced):
            nodes.removeAll { replaced.contains($0.range) }
            nodes.append((range, result))
            return nil
        case .dropNode(let range):
            nodes.removeAll { $0.range == range }
            return nil
        case .doubt:
            doubts = try directory.noteDoubt()
            return nil
        case .combine(let range):
            combine(range)
            return nil
        case .commit(let step, let accounts):
            try commit(step, accounts)
            return .committed(step)
        case .checkpoint(let wanted):
            precondition(wanted.index == committed, "a checkpoint of a step that is not committed")
            snapshots.yield(snapshot())
            return nil
        }
    }

    /// Opens a step (design section 2, point 1): its tasks, and the method's draw.
    private func open(_ step: StepNumber) throws -> OpenedStep {
        let rounds = run.plan.method.exchanges.count
        inputs = Array(
            repeating: Array(repeating: nil, count: run.sampler.slices), count: rounds)
        answers = inputs
        nodes = []
        // What workers computed for an opening in which something was in doubt must not count in
        // another: they drop what belongs to a version of another name.
        let name = doubts == 0 ? versionDigest : versionDigest.renamed(afterDoubt: doubts)
        shelf.put(
            version, name: FetchVersion(step: step, digest: name), averages: averagesDigest)
        let tasks =
            nextTasks.take().flatMap { $0.step == step.index ? $0.tasks : nil }
            ?? run.tasks(of: step.index)
        let next = step.index + 1 < run.plan.settings.steps ? run.tasks(of: step.index + 1) : []
        nextTasks = (step.index + 1, next)
        self.tasks = tasks
        filled = tasks.filter { !$0.samples.isEmpty }.map(\.slice.index)
        try method.open(step: step.index, samples: samples(of: tasks))
        return OpenedStep(
            step: step, version: name, averages: averagesDigest ?? .zero, tasks: tasks,
            nextTasks: next, shards: run.shards(of: step.index))
    }

    /// The draw of the step after the open one, while workers compute.
    private func foresee(_ step: StepNumber) {
        guard let nextTasks, nextTasks.step == step.index, !nextTasks.tasks.isEmpty else { return }
        method.foresee(step: step.index, samples: samples(of: nextTasks.tasks))
    }

    private func samples(of tasks: [SliceTask]) -> [[Int]] {
        tasks.map { $0.samples.map { Int($0) } }
    }

    /// Answers a group of a round (design section 2, point 4).
    private func answer(round: Int, group: Int, slices: Range<Int>) throws {
        let present = filled.filter { slices.contains($0) }
        let groupInputs = present.map { slice -> NamedTensors in
            guard let input = inputs[round][slice] else {
                preconditionFailure("group \(group) answered without slice \(slice)")
            }
            return input
        }
        let groupAnswers = try method.answer(
            round: round, group: group, slices: slices, inputs: groupInputs)
        for (slice, answer) in zip(present, groupAnswers) { answers[round][slice] = answer }
    }

    /// The tables' part in the commit, while workers compute backward: once the last group of the
    /// open step is answered.
    private func prepareCommit(_ step: StepNumber) {
        let isAnswered = answers.allSatisfy { round in filled.allSatisfy { round[$0] != nil } }
        guard step.index == committed, isAnswered else { return }
        method.prepareCommit(step: step.index)
    }

    /// Adds the children of a node (design section 2, point 6).
    private func combine(_ range: SliceRange) {
        let children = nodes.filter { $0.range.lo >= range.lo && $0.range.hi <= range.hi }
            .sorted { $0.range < $1.range }
        precondition(children.count == 2, "node \(range) has \(children.count) kept children")
        let sum = SliceResult.sum(children[0].result, children[1].result)
        nodes.removeAll { $0.range.lo >= range.lo && $0.range.hi <= range.hi }
        nodes.append((range, sum))
    }

    /// The sum over the whole step.
    func takeTotal() -> SliceResult {
        precondition(nodes.count == 1, "\(nodes.count) nodes are left at commit")
        let total = nodes[0].result
        nodes = []
        inputs = []
        answers = []
        return total
    }

    private func sendAnswer(
        _ answer: ExchangeAnswer, as request: RequestID, on port: ConnectionPort
    ) {
        guard committed == answer.step.index,
            let tensors = answers[Int(answer.round)][answer.slice.index]
        else {
            port.post(.refused(Refusal(.leaseGone, "step \(answer.step) is over")), to: request)
            return
        }
        port.post(.answer(answer), tensors, to: request)
    }
}
