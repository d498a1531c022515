import ArgumentParser
import Clustering
import CoordinatorDaemon
import Foundation
import Keys
import Logging
import Methods
import Processes
import ServiceLifecycle
import Threads
import WorkerCore

/// Workers that find nearest centers for a clustering, from the command line.
struct ClusterWorkerOptions: ParsableArguments {
    @Option(
        help: """
            Workers to start on this machine; they find the nearest centers. Others may join. \
            Default: none, all is computed in this process.
            """)
    var workers: Int?

    @Option(
        help: """
            Where workers join ('pleiad worker --join URL'); port 0 picks a free one. Default with \
            --workers: a free port on this machine.
            """)
    var listen: String?

    @Option(help: "Compute threads of each worker that is started here.")
    var slots = 1

    @Flag(help: "Listen beyond loopback without encryption.")
    var insecure = false

    @OptionGroup var keysOptions: KeysOptions

    func validate() throws {
        if let workers, !(1...256).contains(workers) {
            throw ValidationError("--workers must be between 1 and 256.")
        }
        guard (1...1024).contains(slots) else {
            throw ValidationError("--slots must be between 1 and 1024.")
        }
    }

    /// Whether workers are asked for.
    var areWanted: Bool { workers != nil || listen != nil }

    /// Clusters features with workers, and writes the result.
    func run(_ job: ClusterJob, _ source: ClusterSource) async throws -> ClusterJobReport {
        guard !source.features.isEmpty else {
            throw BadInput(
                description: "workers need features in files: make them with 'pleiad embed' or "
                    + "'pleiad patches', and name them with --features")
        }
        let meter = WorkMeter()
        let thread = ClusterThread(job, meter)
        let prepared = try await thread.prepared(source.features, source.name, source.preparation)
        let desk = AssignmentDesk(meter: meter)
        let coordinator = try await coordinator(of: job, prepared, desk, source.features)
        printError("coordinator at \(coordinator.url)")
        let workers = workers
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services(
                    of: coordinator,
                    beside: workers.map { [processes($0, at: coordinator.url)] } ?? []),
                gracefulShutdownSignals: [], logger: quietLogger))
        return try await LeasedClustering(
            thread: thread, prepared: prepared, desk: desk, coordinator: coordinator, group: group
        ).run()
    }

    private func coordinator(
        of job: ClusterJob, _ prepared: ClusterJob.Prepared, _ desk: AssignmentDesk,
        _ features: [String]
    ) async throws -> Coordinator {
        let keys = try keysOptions.loadCoordinators()
        let plan = try ClusteringPlan(
            settings: job.settings, samples: prepared.samples, preparation: prepared.preparation,
            mean: prepared.survey.mean,
            features: features.map { URL(fileURLWithPath: $0).path })
        let scheme = keys?.certificates == nil ? "tcp" : "tls+tcp"
        let listen = listen ?? "\(scheme)://127.0.0.1:0"
        return try await Coordinator(
            assignments: AssignmentOptions(
                plan: plan, dataDigest: prepared.survey.digest,
                iterations: job.settings.iterations, listen: listen, insecure: insecure,
                authority: keys?.authority),
            desk: desk, network: network(for: listen, keys: keys),
            logger: Logger(label: "pleiad.cluster"))
    }

    private func processes(_ count: Int, at url: String) -> any Service {
        WorkerProcesses(
            .init(
                urls: Array(repeating: url, count: count), slots: slots,
                keys: keysOptions.directory, quarantinedCode: WorkerOutcome.quarantinedCode),
            logger: Logger(label: "pleiad.cluster"))
    }
}

/// A k-means on a thread of its own beside the coordinator that has its nearest centers found.
private struct LeasedClustering {
    let thread: ClusterThread
    let prepared: ClusterJob.Prepared
    let desk: AssignmentDesk
    let coordinator: Coordinator
    let group: ServiceGroup

    private enum End: Sendable {
        /// Coordinator and workers have ended, with this error if not in order.
        case served((any Error)?)
        case computed(Result<ClusterJobReport, any Error>)
    }

    /// Runs both to their end; either one's ends the other.
    func run() async throws -> ClusterJobReport {
        let (served, computed) = await withTaskGroup(of: End.self) { tasks in
            tasks.addTask {
                defer { desk.close() }
                do {
                    try await group.run()
                    return .served(nil)
                } catch {
                    return .served(error)
                }
            }
            tasks.addTask { .computed(await compute()) }
            var ends: ((any Error)?, Result<ClusterJobReport, any Error>?) = (nil, nil)
            for await end in tasks {
                switch end {
                case .served(let error): ends.0 = error
                case .computed(let result): ends.1 = result
                }
            }
            return ends
        }
        if let served { throw served }
        guard let computed else { preconditionFailure("the clustering never ended") }
        return try computed.get()
    }

    private func compute() async -> Result<ClusterJobReport, any Error> {
        let result: Result<ClusterJobReport, any Error>
        do {
            result = .success(try await thread.computed(prepared, assigner: desk))
            await coordinator.stop("the clustering is done")
        } catch {
            result = .failure(error)
            // Said twice: the open step is given up.
            await coordinator.stop("the clustering was stopped")
            await coordinator.stop("the clustering was stopped")
        }
        desk.end()
        return result
    }
}

/// A clustering job on a thread of its own.
private actor ClusterThread {
    private let executor = ThreadExecutor(name: "pleiad-cluster")
    private let job: ClusterJob
    private let meter: WorkMeter
    private let line: WorkLine

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.unowned }

    init(_ job: ClusterJob, _ meter: WorkMeter) {
        (self.job, self.meter) = (job, meter)
        let line = WorkLine(meter)
        line.start()
        self.line = line
    }

    deinit { executor.stop() }

    func prepared(
        _ features: [String], _ name: String, _ preparation: FeaturePreparation
    ) throws -> ClusterJob.Prepared {
        do {
            return try job.explained(meter) {
                try job.prepared(try Samples(mapping: features), name, preparation, meter)
            }
        } catch {
            line.end()
            throw error
        }
    }

    func computed(
        _ prepared: ClusterJob.Prepared, assigner: any CenterAssigner
    ) throws -> ClusterJobReport {
        defer { line.end() }
        return try job.explained(meter) {
            try job.computed(prepared, assigner: assigner, meter, line)
        }
    }
}
