public import Foundation
public import Logging
public import ServiceLifecycle

/// A worker that ended for good before its run was over.
public struct WorkerGaveUp: Error, CustomStringConvertible {
    /// Which, and how.
    public let description: String
}

/// Worker processes on this machine: started, and started again if they die, until the run is over.
///
/// They are called w1, w2, and so on.
public actor WorkerProcesses: Service {
    /// What the workers are started with.
    public struct Options: Sendable {
        /// Where each joins; there are as many workers as addresses.
        public var urls: [String]
        /// Compute slots of each.
        public var slots: Int
        /// The program; this very one unless told otherwise.
        public var program: URL
        /// The directory of their logs, `w1.log` and so on; nil for this process's own output.
        public var logs: String?
        /// The directory of the keys with which they join; nil for none.
        public var keys: String?
        /// The exit code of a worker that is kept out for wrong bits: the others go on without it.
        ///
        /// Nil where that ends them all.
        public var quarantinedCode: Int32?

        /// Options with these values.
        public init(
            urls: [String], slots: Int, program: URL = ChildProcess.thisProgram,
            logs: String? = nil, keys: String? = nil, quarantinedCode: Int32? = nil
        ) {
            self.urls = urls
            self.slots = slots
            self.program = program
            self.logs = logs
            self.keys = keys
            self.quarantinedCode = quarantinedCode
        }
    }

    private let options: Options
    private let logger: Logger
    private var running: [Int: ChildProcess] = [:]
    private var quarantinedCount = 0
    private var isStopping = false

    /// A worker that dies at once is not started again faster than this.
    private static let restartDelay = Duration.seconds(1)
    /// Workers end by themselves when the coordinator says so; after this long they are killed.
    private static let endMax = Duration.seconds(10)

    /// Workers with these options, not started yet.
    public init(_ options: Options, logger: Logger) {
        self.options = options
        self.logger = logger
    }

    /// Keeps the workers alive until each has ended on purpose.
    ///
    /// - Throws: `WorkerGaveUp`, `ProcessNotStarted`.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await withThrowingDiscardingTaskGroup { group in
                for number in 1...options.urls.count {
                    group.addTask { try await self.keepAlive(number) }
                }
            }
        } onGracefulShutdown: {
            Task { await self.stop() }
        }
    }

    /// The process of a worker by its number from 1, if one is alive.
    public func process(_ number: Int) -> ChildProcess? { running[number] }

    /// Runs worker `number` until it ends on purpose, or is kept out while others are not.
    ///
    /// - Throws: `WorkerGaveUp` if it gives up: another start would do the same.
    private func keepAlive(_ number: Int) async throws {
        while !isStopping, !Task.isCancelled {
            switch try await runOnce(number) {
            case .code(0): return
            case .code(let code) where code == options.quarantinedCode:
                guard !isStopping else { return }
                return try standDown(number)
            case .code(let code):
                guard !isStopping else { return }
                throw WorkerGaveUp(
                    description: "worker w\(number) ended with code \(code); see its message "
                        + (options.logs.map { "in \($0)/w\(number).log" } ?? "above"))
            case .signal(let signal):
                guard !isStopping else { return }
                logger.warning("worker w\(number) died of signal \(signal); starting it again")
                try? await Task.sleep(for: Self.restartDelay)  // cancelled: the loop looks again
            }
        }
    }

    /// Worker `number` computed wrong bits and is kept out.
    private func standDown(_ number: Int) throws {
        quarantinedCount += 1
        let left = options.urls.count - quarantinedCount
        let what = "worker w\(number) computed wrong bits and is kept out"
        let advice = "check this machine's memory and processor"
        guard left > 0 else {
            throw WorkerGaveUp(
                description: "\(what), as all workers here are: \(advice), then start again; what "
                    + "is committed stays")
        }
        logger.warning(
            "\(what); the run goes on with \(left) of \(options.urls.count): \(advice)")
    }

    /// One life of a worker.
    private func runOnce(_ number: Int) async throws -> ProcessEnd {
        let arguments =
            [
                "worker", "--join", options.urls[number - 1], "--name", "w\(number)", "--slots",
                "\(options.slots)", "--parent", "\(ProcessInfo.processInfo.processIdentifier)",
            ] + (options.keys.map { ["--keys", $0] } ?? [])
        let log = options.logs.map { "\($0)/w\(number).log" }
        let process = try ChildProcess(
            arguments, program: options.program,
            output: log.map { .files(output: $0, error: $0) } ?? .inherited)
        running[number] = process
        defer { running[number] = nil }
        return await process.end()
    }

    private func stop() async {
        isStopping = true
        let deadline = ContinuousClock.now + Self.endMax
        while !running.isEmpty, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))  // cancelled: what is left is killed
        }
        killAll()
    }

    /// Kills what is alive, and starts nothing any more; `run()` returns once they are gone.
    public func killAll() {
        isStopping = true
        for process in running.values { process.signal(SIGKILL) }
    }
}
