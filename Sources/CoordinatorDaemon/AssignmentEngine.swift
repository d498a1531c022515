import Clustering
import CoordinatorCore
import Foundation
import Identity
import Messages
import Methods
import Optimizers
import Synchronization
import Threads

/// Makes the steps of a clustering out of the orders of its k-means, and puts together what workers
/// find, on a thread of its own.
///
/// A step is an order. Its commit is reported when the next order has come in, so that the machine
/// never opens a step that nobody has asked for.
actor AssignmentEngine {
    nonisolated let executor = ThreadExecutor(name: "pleiad-assignments")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.unowned }

    private let plan: ClusteringPlan
    private let iterations: Int
    private let desk: AssignmentDesk
    private let board: FigureBoard
    private let shelf: VersionShelf
    /// The open step, for whoever checks what arrives.
    private let openStep: OpenAssignmentStep

    private var open: AssignmentStep?
    /// What was found: `[samples of the step, depth]`.
    private var centers: [Int32] = []
    private var scores: [Float] = []
    /// Openings in which something was in doubt: part of the names of versions.
    private var doubts = 0
    /// The order of the open step, which may be opened again.
    private var order: AssignmentOrder?

    init(
        plan: ClusteringPlan, iterations: Int, desk: AssignmentDesk, board: FigureBoard,
        shelf: VersionShelf, openStep: OpenAssignmentStep
    ) {
        self.plan = plan
        self.iterations = iterations
        self.desk = desk
        self.board = board
        self.shelf = shelf
        self.openStep = openStep
    }

    /// Carries out commands in order until their stream ends.
    func serve(
        _ commands: AsyncStream<EngineCommand>, report: @Sendable (Event) async -> Void
    ) async {
        var orders = desk.orders.makeAsyncIterator()
        for await command in commands {
            switch command {
            case .prepare:
                order = await orders.next(isolation: self)
                guard let order else { continue }  // it ended before it began
                let made = StepNumber(iterationsMade(before: order))
                await report(.prepared(committed: made, recorded: made))
            case .open(let step):
                if let opened = opened(step) { await report(.stepOpened(opened)) }
            case .keepNode(let node, let result, _): keep(result, of: node)
            case .doubt: doubts += 1
            case .commit(let step, _):
                commit(step)
                order = await orders.next(isolation: self)
                await report(.committed(step))
            case .checkpoint(let committed):
                // The k-means stores its own state; the machine's checkpoints hold nothing more.
                await report(.checkpointed(committed: committed))
            case .foresee, .prepareCommit, .combine, .dropNode: break
            case .keepInput, .answer, .sendAnswer:
                preconditionFailure("a clustering has no exchanges")
            }
        }
        desk.close()
        executor.stop()
    }

    private func iterationsMade(before order: AssignmentOrder) -> Int {
        guard case .iteration(let number) = order.stage else { return iterations }
        return number
    }

    /// Opens a step; again, if something in it was in doubt.
    private func opened(_ step: StepNumber) -> OpenedStep? {
        guard let order else { return nil }
        let version = plan.version(of: order)
        let threads = max(1, min(8, ProcessInfo.processInfo.activeProcessorCount))
        let digest = digest(of: version, threads: threads)
        let name = doubts == 0 ? digest : digest.renamed(afterDoubt: doubts)
        shelf.put(version, name: FetchVersion(step: step, digest: name))
        let open = AssignmentStep(order, step: step, plan: plan)
        self.open = open
        openStep.set(open)
        centers = Array(repeating: 0, count: open.rowCount * open.depth)
        scores = Array(repeating: 0, count: open.rowCount * open.depth)
        return OpenedStep(step: step, version: name, tasks: open.tasks, nextTasks: [])
    }

    /// Puts what was found of a node in its place.
    ///
    /// A node that comes again after a dispute takes the place of the one that was dropped.
    private func keep(_ result: SliceResult, of node: SliceRange) {
        guard let open else { return }
        let rows = open.rows(of: node)
        result.copyAssignment(to: &centers, &scores, from: rows.lowerBound * open.depth)
        desk.note(sampleCount: rows.count)
    }

    /// All slices are in: the k-means goes on.
    private func commit(_ step: StepNumber) {
        guard let open else { return }
        shelf.clear()
        openStep.set(nil)
        let firsts = stride(from: 0, to: scores.count, by: open.depth)
        let mean = firsts.reduce(0.0) { $0 + Double(scores[$1]) } / Double(max(open.rowCount, 1))
        board.stepCommitted(
            StepFigures(
                step: step.index, samples: open.rowCount, rate: 0, gradientNorm: 0,
                phases: board.takePhases(),
                figures: [SliceResult.Sum(name: "score", value: mean)]),
            tables: [plan.centersSummary])
        let found = NearestCenters(depth: open.depth, centers: centers, scores: scores)
        (centers, scores) = ([], [])
        self.open = nil
        desk.deliver(found)
    }
}

/// The open step of a clustering, for whoever checks what arrives while it is computed.
final class OpenAssignmentStep: Sendable {
    private let held = Mutex<AssignmentStep?>(nil)

    /// A step opens, or none is open.
    func set(_ step: AssignmentStep?) { held.withLock { $0 = step } }

    /// The step of that number, if it is the open one.
    func step(_ number: StepNumber) -> AssignmentStep? {
        held.withLock { $0?.step == number ? $0 : nil }
    }
}

extension ClusteringPlan {
    /// The centers, as status shows them.
    var centersSummary: TableSummary {
        TableSummary(
            name: "centers", rows: settings.clusterCount, dim: dim,
            bytes: 4 * settings.clusterCount * dim)
    }
}
