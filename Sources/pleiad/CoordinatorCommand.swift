import ArgumentParser
import CoordinatorDaemon
import Foundation
import Keys
import Logging
import Messages
import ServiceLifecycle
import UnixSignals

/// `pleiad coordinator`: owns a run on this host.
struct CoordinatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Own a run: parameters, tables, schedule; workers join it.",
        discussion: """
            Starts or resumes the run in the state directory and listens for workers. Ctrl-C or \
            SIGTERM ends it after the open step, with a checkpoint; a killed coordinator resumes \
            from the newest checkpoint, with the same bits.

            Examples:
              pleiad coordinator RUN.yaml --state runs/a
              pleiad coordinator RUN.yaml --state runs/a --listen tls+tcp://0.0.0.0:4700 \
            --keys keys/hub
              pleiad coordinator RUN.yaml --state runs/a --listen tcp://127.0.0.1:0 \
            --exit-when-done
            """)

    @Argument(help: "The run file (YAML).")
    var runFile: String

    @Option(help: "The state directory; made if it is missing, resumed if it holds this run.")
    var state: String

    @Option(help: "Where to listen; port 0 picks a free one. Default: the run file's.")
    var listen: String?

    @Option(help: "Stop at this step; the schedule stays that of the run file.")
    var steps: Int?

    @Flag(help: "End when the run is done, instead of staying up for status.")
    var exitWhenDone = false

    @Flag(help: "Listen beyond loopback without encryption.")
    var insecure = false

    @OptionGroup var keysOptions: KeysOptions

    @Option(help: .init("End when this parent process ends.", visibility: .private))
    var parent: Int32?

    func validate() throws {
        if let steps, steps < 1 { throw ValidationError("--steps must be at least 1.") }
    }

    func run() async throws {
        let logger = Logger(label: "pleiad.coordinator")
        let keys = try keysOptions.loadCoordinators()
        let coordinator = try await Coordinator(
            options: CoordinatorOptions(
                runFile: runFile, stateDirectory: state, listen: listen, steps: steps,
                exitsWhenDone: exitWhenDone, insecure: insecure,
                authority: keys?.authority),
            network: network(for: listen, keys: keys), logger: logger)
        let evaluations = CheckpointEvaluations(of: coordinator, in: state)
        let beside = evaluations.map {
            ServiceGroupConfiguration.ServiceConfiguration(
                service: $0, successTerminationBehavior: .ignore,
                failureTerminationBehavior: .ignore)
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: (beside.map { [$0] } ?? []) + [
                    .init(
                        service: Announced(coordinator: coordinator),
                        successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quietLogger))
        try await ending(with: parent) { try await group.run() }
        try await requireOutcome(of: coordinator)
        if await coordinator.outcome?.reason == .done { try await evaluations?.finish() }
    }
}

/// A coordinator that says where it listens: not before a signal would stop it in order.
private struct Announced: Service {
    let coordinator: Coordinator

    func run() async throws {
        printNow("listening \(coordinator.url)")
        try await coordinator.run()
    }
}

/// Throws if the run failed; says so if it was stopped early.
func requireOutcome(of coordinator: Coordinator) async throws {
    guard let over = await coordinator.outcome else { return }
    switch over.reason {
    case .done: break
    case .closing: printError("pleiad: stopped: \(over.detail)")
    case .failed: throw RunFailed(description: over.detail)
    }
}
