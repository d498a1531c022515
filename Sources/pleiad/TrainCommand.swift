import ArgumentParser
import Client
import CoordinatorDaemon
import Foundation
import Keys
import Logging
import Messages
import Processes
import ServiceLifecycle
import Transport
import UnixSignals
import WorkerCore

/// `pleiad train`: a whole run on this machine.
struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train on this machine: a coordinator and worker processes.",
        discussion: """
            Starts or resumes the run in the state directory and ends when it is done. Other \
            workers may join at the address that it prints. Workers that die are started again; \
            one that computes wrong bits is kept out, and the others go on without it. \
            Ctrl-C ends the run after the open step, with a checkpoint; the same command resumes \
            it.

            Examples:
              pleiad train deploy/runs/fashion-mlcd-quick.yaml --workers 2 --state runs/quick
              pleiad train RUN.yaml --workers 2 --state runs/a --steps 100
              pleiad train RUN.yaml --workers 2 --state runs/a --in-process
              pleiad train RUN.yaml --workers 2 --state runs/a --keys keys/hub
            """)

    @Argument(help: "The run file (YAML).")
    var runFile: String

    @Option(help: "Workers to start on this machine.")
    var workers = 1

    @Option(help: "The state directory; made if it is missing, resumed if it holds this run.")
    var state: String

    @Option(help: "Compute threads of each worker.")
    var slots = 1

    @Option(help: "Stop at this step; the schedule stays that of the run file.")
    var steps: Int?

    @Flag(help: "Coordinator and workers in one process, over memory; the bits are the same.")
    var inProcess = false

    @OptionGroup var keysOptions: KeysOptions

    @Flag(help: "Print the status once the run is done.")
    var statusAtEnd = false

    func validate() throws {
        guard (1...256).contains(workers) else {
            throw ValidationError("--workers must be between 1 and 256.")
        }
        guard (1...1024).contains(slots) else {
            throw ValidationError("--slots must be between 1 and 1024.")
        }
        if let steps, steps < 1 { throw ValidationError("--steps must be at least 1.") }
    }

    func run() async throws {
        let keys = inProcess ? nil : try keysOptions.loadCoordinators()
        let network: any Network =
            inProcess ? InMemoryNetwork() : NNGNetwork(identity: keys?.identity)
        let scheme = keys?.certificates == nil ? "tcp" : "tls+tcp"
        let coordinator = try await Coordinator(
            options: CoordinatorOptions(
                runFile: runFile, stateDirectory: state,
                listen: inProcess ? "inmemory://run" : "\(scheme)://127.0.0.1:0", steps: steps,
                exitsWhenDone: true, authority: keys?.authority),
            network: network, logger: Logger(label: "pleiad.coordinator"))
        printError("coordinator at \(coordinator.url), state in \(state)")
        let evaluations = CheckpointEvaluations(of: coordinator, in: state)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services(
                    of: coordinator,
                    beside: (evaluations.map { [$0] } ?? []) + [
                        workerService(at: coordinator.url, network: network),
                        ProgressLine(coordinator: coordinator),
                    ]), gracefulShutdownSignals: [.sigterm, .sigint], logger: quietLogger))
        try await group.run()
        let (made, rate) = coordinator.throughput
        if made > 0 {
            printError("made \(grouped(made)) steps at \(grouped(Int(rate))) samples/s")
        }
        if statusAtEnd { print(StatusTable(await coordinator.status()).text) }
        try await requireOutcome(of: coordinator)
        if await coordinator.outcome?.reason == .done { try await evaluations?.finish() }
    }

    private func workerService(at url: String, network: any Network) -> any Service {
        if inProcess {
            return InProcessWorkers(url: url, network: network, count: workers, slots: slots)
        }
        return WorkerProcesses(
            .init(
                urls: Array(repeating: url, count: workers), slots: slots,
                keys: keysOptions.directory, quarantinedCode: WorkerOutcome.quarantinedCode),
            logger: Logger(label: "pleiad.train"))
    }
}
