import Foundation
import Logging
import ServiceLifecycle

/// Worker processes on this machine: started, and started again if they die, until the run is over.
actor WorkerProcesses: Service {
    private let url: String
    private let count: Int
    private let slots: Int
    private let logger: Logger
    private var running: [Int: Process] = [:]
    private var isStopping = false

    /// A worker that dies at once is not started again faster than this.
    private static let restartDelay = Duration.seconds(1)
    /// Workers end by themselves when the coordinator says so; after this long they are killed.
    private static let endMax = Duration.seconds(10)

    init(url: String, count: Int, slots: Int, logger: Logger) {
        self.url = url
        self.count = count
        self.slots = slots
        self.logger = logger
    }

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await withThrowingDiscardingTaskGroup { group in
                for number in 1...count {
                    group.addTask { try await self.keepAlive(number) }
                }
            }
        } onGracefulShutdown: {
            Task { await self.stop() }
        }
    }

    /// How a life of a worker ended.
    private enum End {
        /// By itself, with this code.
        case code(Int32)
        /// By a signal: it was killed, or crashed.
        case signal(Int32)
    }

    /// Runs worker `number` until it ends on purpose.
    ///
    /// - Throws: `RunFailed` if it cannot be started or gives up: another start would do the same.
    private func keepAlive(_ number: Int) async throws {
        while !isStopping {
            switch try await runOnce(number) {
            case .code(0): return
            case .code(let code):
                guard !isStopping else { return }
                throw RunFailed(
                    description: "worker w\(number) ended with code \(code); see its message above")
            case .signal(let signal):
                guard !isStopping else { return }
                logger.warning("worker w\(number) died of signal \(signal); starting it again")
                try? await Task.sleep(for: Self.restartDelay)  // cancelled: the loop looks again
            }
        }
    }

    /// One life of a worker.
    private func runOnce(_ number: Int) async throws -> End {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "worker", "--join", url, "--name", "w\(number)", "--slots", "\(slots)",
            "--parent", "\(ProcessInfo.processInfo.processIdentifier)",
        ]
        process.standardInput = FileHandle.nullDevice
        let (ends, end) = AsyncStream.makeStream(of: End.self)
        process.terminationHandler = { process in
            let status = process.terminationStatus
            end.yield(
                process.terminationReason == .uncaughtSignal ? .signal(status) : .code(status))
            end.finish()
        }
        do {
            try process.run()
        } catch {
            throw RunFailed(description: "worker w\(number) could not be started: \(error)")
        }
        running[number] = process
        defer { running[number] = nil }
        for await life in ends { return life }
        return .code(0)
    }

    private func stop() async {
        isStopping = true
        let deadline = ContinuousClock.now + Self.endMax
        while !running.isEmpty, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(20))  // cancelled: what is left is killed
        }
        for process in running.values { kill(process.processIdentifier, SIGKILL) }
    }
}
