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
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for number in 1...count {
                    group.addTask { await self.keepAlive(number) }
                }
            }
        } onGracefulShutdown: {
            Task { await self.stop() }
        }
    }

    /// Runs worker `number` until it ends on purpose.
    private func keepAlive(_ number: Int) async {
        while !isStopping {
            guard let code = await runOnce(number), code != 0, !isStopping else { return }
            logger.warning("worker w\(number) ended with code \(code); starting it again")
            try? await Task.sleep(for: Self.restartDelay)  // cancelled: the loop looks again
        }
    }

    /// One life of a worker; its exit code, or nil if it could not be started.
    private func runOnce(_ number: Int) async -> Int32? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "worker", "--join", url, "--name", "w\(number)", "--slots", "\(slots)",
            "--parent", "\(ProcessInfo.processInfo.processIdentifier)",
        ]
        process.standardInput = FileHandle.nullDevice
        let (ends, end) = AsyncStream.makeStream(of: Int32.self)
        process.terminationHandler = { process in
            end.yield(process.terminationStatus)
            end.finish()
        }
        do {
            try process.run()
        } catch {
            logger.error("worker w\(number) could not be started: \(error)")
            return nil
        }
        running[number] = process
        defer { running[number] = nil }
        for await code in ends { return code }
        return nil
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
