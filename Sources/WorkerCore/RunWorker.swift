public import Logging
public import ServiceLifecycle
public import Transport
import UnixSignals

/// Works for a coordinator until the run is over, the worker is refused, or it is told to stop.
///
/// Joins within 60 s or gives up, rejoins for ever after that. A graceful shutdown of the
/// surrounding service group makes it drain: parked slices are handed back at once, running ones
/// end at their next exchange or result, then it says goodbye. Cancelling ends it at once.
///
/// - Returns: how it ended, with the sentence to print and the exit code.
public func runWorker(
    _ options: WorkerOptions, network: any Network, logger: Logger
) async throws -> WorkerOutcome {
    await runWorker(
        options, network: network, logger: logger,
        preparation: RunPreparation(
            dataDirectory: options.dataDirectory, shards: options.shards,
            features: options.features, threads: options.slots))
}

/// The same with another source of run and data.
func runWorker(
    _ options: WorkerOptions, network: any Network, logger: Logger,
    preparation: any Preparation
) async -> WorkerOutcome {
    if let problem = options.problem { return .failed(problem) }
    let worker = Worker(
        options: options, network: network, logger: logger, preparation: preparation)
    return await withGracefulShutdownHandler {
        await withTaskCancellationHandler {
            await worker.run()
        } onCancel: {
            worker.cancel()
        }
    } onGracefulShutdown: {
        worker.stop()
    }
}

/// A worker as a service, for processes that run a `ServiceGroup`.
public struct WorkerService: Service {
    private let options: WorkerOptions
    private let network: any Network
    private let logger: Logger
    private let onEnd: @Sendable (WorkerOutcome) -> Void

    /// A worker; `onEnd` is told how it ended.
    public init(
        _ options: WorkerOptions, network: any Network, logger: Logger,
        onEnd: @escaping @Sendable (WorkerOutcome) -> Void
    ) {
        self.options = options
        self.network = network
        self.logger = logger
        self.onEnd = onEnd
    }

    /// Works until the worker ends.
    public func run() async throws {
        onEnd(try await runWorker(options, network: network, logger: logger))
    }
}

/// Works in a process of its own: SIGTERM and SIGINT make it drain.
public func runWorkerProcess(
    _ options: WorkerOptions, network: any Network, logger: Logger
) async throws -> WorkerOutcome {
    let (outcomes, outcome) = AsyncStream.makeStream(of: WorkerOutcome.self)
    let service = WorkerService(options, network: network, logger: logger) { end in
        outcome.yield(end)
        outcome.finish()
    }
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: [
                .init(
                    service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    try await group.run()
    outcome.finish()
    for await end in outcomes { return end }
    return .drained
}
