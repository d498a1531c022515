import Client
import CoordinatorDaemon
import Foundation
import Keys
import Logging
import Processes
import Storage
import Transport

/// A training with real processes: a coordinator, and workers that join it through relays.
///
/// It starts them, watches ledger, figures and status, and ends them; faults are done to it.
actor Training {
    /// What is started, and where.
    struct Options: Sendable {
        var runFile: String
        var program: URL
        /// The state directory.
        var state: String
        /// The directory of the processes' logs.
        var logs: String
        var workers: Int
        /// Stop at this step; nil for the run file's last one.
        var steps: Int?
        /// With what everybody proves itself under TLS; nil without.
        var keys: PeerKeys?
        /// Of every address.
        var scheme: String { keys == nil ? "tcp" : "tls+tcp" }
    }

    /// A look at the coordinator's status.
    struct Look: Sendable {
        var at: Double
        var document: StatusDocument
    }

    /// Between two looks at ledger and figures: the resolution of moments.
    static let tailEvery = Duration.milliseconds(2)
    /// How long a coordinator may take to listen.
    private static let listenSecondsMax = 60

    let options: Options
    let relays: [Relay]
    let workers: WorkerProcesses
    private let clock = TrainingClock()
    let network: NNGNetwork
    var timeline = Timeline()
    private(set) var coordinator: ChildProcess?
    var look: Look?
    /// Whether the coordinator has ended by itself: the run is over.
    var isOver = false
    var url: String?
    var lives = 0
    /// Who listens to what is said of a fault, by the fault's number.
    var causes: [Int: (watches: [CauseWatch], since: Double)] = [:]
    /// When a step was last made, or the labels were still being made.
    var moved = 0.0
    var ledger: FileTail
    var figures: FileTail

    init(_ options: Options) throws {
        self.options = options
        network = NNGNetwork(identity: options.keys?.identity)
        let relays = try (0..<options.workers).map { _ in try Relay() }
        self.relays = relays
        let scheme = options.scheme
        workers = WorkerProcesses(
            .init(
                urls: relays.map { "\(scheme)://\($0.place)" }, slots: 1,
                program: options.program, logs: options.logs, keys: options.keys?.directory),
            logger: Logger(label: "pleiad.drill") { _ in SwiftLogNoOpLogHandler() })
        ledger = FileTail(path: options.state + "/ledger")
        figures = FileTail(path: options.state + "/metrics.jsonl")
    }

    /// Seconds since the training was made.
    nonisolated var now: Double { clock.now }

    /// Starts everything, does `body`, and ends everything, whatever happens.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (Training) async throws -> Value
    ) async throws -> Value {
        try FileManager.default.createDirectory(
            atPath: options.logs, withIntermediateDirectories: true)
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            do {
                try await startCoordinator()
                group.addTask {
                    try await self.workers.run()
                    return nil
                }
                group.addTask {
                    try await self.watch()
                    return nil
                }
                group.addTask {
                    await self.watchStatus()
                    return nil
                }
                group.addTask { try await body(self) }
                while let value = try await group.next() {
                    guard let value else { continue }
                    await stop()
                    group.cancelAll()
                    return value
                }
                throw CancellationError()
            } catch {
                await stop()
                throw error
            }
        }
    }

    /// Kills what is left.
    private func stop() async {
        await workers.killAll()
        await coordinator?.killed()
        for relay in relays { relay.close() }
    }

    // MARK: The coordinator

    /// Starts the coordinator; returns once it listens and the relays lead to it.
    func startCoordinator() async throws {
        lives += 1
        let log = options.logs + "/coordinator-\(lives)"
        var arguments = [
            "coordinator", options.runFile, "--state", options.state, "--listen",
            "\(options.scheme)://127.0.0.1:0", "--exit-when-done", "--parent",
            "\(ProcessInfo.processInfo.processIdentifier)",
        ]
        if let steps = options.steps { arguments += ["--steps", "\(steps)"] }
        if let keys = options.keys { arguments += ["--keys", keys.directory] }
        let process = try ChildProcess(
            arguments, program: options.program,
            output: .files(output: log + ".out", error: log + ".log"))
        coordinator = process
        var lines = FileTail(path: log + ".out")
        let deadline = now + Double(Self.listenSecondsMax)
        while now < deadline {
            if let line = lines.newLines().first(where: { $0.hasPrefix("listening ") }) {
                let url = String(line.dropFirst("listening ".count))
                self.url = url
                let port = url.split(separator: ":").last.flatMap { UInt16($0) }
                for relay in relays { relay.lead(to: port) }
                return
            }
            if let end = process.hasEnded {
                throw DrillError.coordinator("ended with \(end): \(lastWords(log + ".log"))")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        throw DrillError.hang(what: "listening", seconds: Self.listenSecondsMax)
    }

    /// Kills the coordinator, unless it was done in that very moment: then the run is over.
    func killCoordinator() async {
        url = nil
        look = nil
        for relay in relays { relay.lead(to: nil) }
        let former = coordinator
        coordinator = nil
        if await former?.killed() == .code(0) { isOver = true }
    }

    /// The last lines of a log.
    func lastWords(_ path: String) -> String {
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? "no word"
        return text.split(separator: "\n").suffix(3).joined(separator: " / ")
    }

    // MARK: Waiting

    /// Waits until `condition` holds; tells whether it did within `seconds` and before the end of
    /// the run.
    func wait(
        seconds: Double, until condition: @Sendable (Training) async -> Bool
    ) async throws -> Bool {
        let deadline = now + seconds
        while now < deadline {
            if await condition(self) { return true }
            if isOver { return await condition(self) }
            try await Task.sleep(for: Self.tailEvery)
        }
        return false
    }

    /// A worker's entry in the last status.
    func worker(_ number: Int) -> StatusDocument.Worker? {
        look?.document.workers.first { $0.name == "w\(number)" }
    }

    /// Whether a worker takes leases.
    func isReady(_ number: Int) -> Bool {
        guard let state = worker(number)?.state else { return false }
        return state == "ready" || state == "suspect"
    }

    /// Whether all workers take leases.
    var isCalm: Bool { (1...options.workers).allSatisfy { isReady($0) } }
}
