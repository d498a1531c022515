import Clustering
import CoordinatorCore
import Datasets
import Evaluation
public import Identity
public import Logging
import Messages
public import Methods
import Optimizers
import Tensors
public import Transport
import Wire

/// How a coordinator of a clustering's assignments is started.
public struct AssignmentOptions: Sendable {
    /// What workers are told.
    public var plan: ClusteringPlan
    /// The digest of the features, which workers compare theirs with.
    public var dataDigest: Digest
    /// Iterations of the clustering at most.
    public var iterations: Int
    /// Where to listen.
    public var listen: String
    /// Whether plain tcp may be reached from other hosts.
    public var insecure: Bool
    /// Whose tokens peers must bring; nil if they need none.
    public var authority: TokenAuthority?

    /// Options with these values.
    public init(
        plan: ClusteringPlan, dataDigest: Digest, iterations: Int, listen: String,
        insecure: Bool = false, authority: TokenAuthority? = nil
    ) {
        self.plan = plan
        self.dataDigest = dataDigest
        self.iterations = iterations
        self.listen = listen
        self.insecure = insecure
        self.authority = authority
    }
}

extension Coordinator {
    /// A coordinator whose workers find nearest centers for a k-means, which asks at `desk`.
    ///
    /// - Throws: `TransportError`, `DaemonError.notLoopback`.
    public init(
        assignments options: AssignmentOptions, desk: AssignmentDesk, network: any Network,
        logger: Logger
    ) async throws {
        try requireListenable(options.listen, insecure: options.insecure)
        let listener = try await network.listen(options.listen)
        let (board, shelf) = (FigureBoard(), VersionShelf())
        board.publish(tables: [options.plan.centersSummary])
        self.init(
            work: AssignmentWork(options, desk: desk, board: board, shelf: shelf),
            listener: listener, board: board, shelf: shelf, exitsWhenDone: true, logger: logger)
    }
}

/// The assignments of a clustering as a coordinator's work.
///
/// Iterations are the steps, centers their versions, runs of samples their slices; nearest centers
/// are the rows of a slice's result. There is no gradient and no exchange.
struct AssignmentWork: CoordinatedWork {
    let settings: MachineSettings
    private let plan: ClusteringPlan
    private let engine: AssignmentEngine
    private let openStep = OpenAssignmentStep()

    init(
        _ options: AssignmentOptions, desk: AssignmentDesk, board: FigureBoard,
        shelf: VersionShelf
    ) {
        settings = machineSettings(of: options)
        plan = options.plan
        engine = AssignmentEngine(
            plan: options.plan, iterations: options.iterations, desk: desk, board: board,
            shelf: shelf, openStep: openStep)
    }

    func serve(
        _ commands: AsyncStream<EngineCommand>,
        report: @escaping @Sendable (Event) async -> Void
    ) async { await engine.serve(commands, report: report) }

    func input(
        _ tensors: [WireTensor], of exchange: Exchange
    ) throws(Refusal) -> NamedTensors {
        throw Refusal(.badValue, "round \(exchange.round): a clustering has no exchanges")
    }

    /// Nearest centers of the open step; whether those of another come too late the machine says.
    func node(
        _ tensors: [WireTensor], of delivery: DeliverNode
    ) throws(Refusal) -> SliceResult {
        let result = try SliceResult(wire: tensors)
        let (node, k) = (delivery.node, plan.settings.clusterCount)
        let problem =
            if let step = openStep.step(delivery.step) {
                step.problem(with: result, of: node, centerCount: k)
            } else {
                result.assignmentProblem(centerCount: k, rowCount: nil, depth: nil)
            }
        if let problem { throw Refusal(.badValue, "node \(node): \(problem)") }
        return result
    }

    var rounds: [StatusDocument.Round] { [] }

    /// A clustering is measured in its report.
    func newestEvaluation() -> EvaluationRecord? { nil }

    /// A clustering keeps no events.
    func keep(_ level: NoteLevel, _ text: String) {}

    func close() {}
}

/// The machine's settings for a clustering, at one start of its coordinator.
private func machineSettings(of options: AssignmentOptions) -> MachineSettings {
    let plan = options.plan
    let versionBytes = 4 * (plan.parameterCount + 2) + versionBytesBeside
    // No state directory counts the starts: one of another number is not met by chance.
    let epoch = secureRandomBytes(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return MachineSettings(
        runName: "\(plan.settings.clusterCount) centers of \(plan.sampleCount) x \(plan.dim)",
        epoch: max(1, epoch), runFile: plan.text, configDigest: plan.digest,
        dataDigest: options.dataDigest, fingerprint: NumericsFingerprint.digest(),
        seed: plan.settings.seed, steps: options.iterations + 1, slices: plan.slices, groups: [],
        rounds: [], bodyBytesMax: UInt64(max(versionBytes, plan.sliceBytesMax) + bytesBeside),
        versionBytes: UInt64(versionBytes),
        nodeCredits: max(32, min(1024, deliveryBytesMax / max(1, plan.sliceBytesMax))),
        authority: options.authority)
}

/// What a message holds beside centers or results: names, shapes, leaves, padding.
private let bytesBeside = 1 << 20

/// What may be on its way to the coordinator at a time, beyond a few results.
private let deliveryBytesMax = 256 << 20
