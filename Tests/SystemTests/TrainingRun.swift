import Foundation

/// A coordinator with its workers, as separate processes on a free port.
final class TrainingRun {
    private let scratch: ScratchDirectory
    private let options: [String]
    private(set) var coordinator: RunningProgram
    private(set) var workers: [RunningProgram] = []
    private let port: String
    /// The run file.
    let file: String
    /// The folder of the small data, if the run is one on them.
    let data: String
    /// The state directory.
    let state: String

    var url: String { "tcp://127.0.0.1:\(port)" }

    /// Starts a coordinator: of the run on the small data unless told otherwise, on the state
    /// directory `state` of `scratch`.
    init(
        in scratch: ScratchDirectory, text: String? = nil, options: [String] = ["--exit-when-done"],
        port: String = "0"
    ) async throws {
        self.scratch = scratch
        self.options = options
        data = try SmallData.write(to: scratch)
        file = try scratch.write("run.yaml", text ?? SmallRun.text(data: data))
        state = scratch.appending("state")
        coordinator = try RunningProgram(
            ["coordinator", file, "--state", state, "--listen", "tcp://127.0.0.1:\(port)"]
                + options)
        let address = try await coordinator.line(after: "listening ", within: 30)
        self.port = String(address.split(separator: ":").last ?? "")
    }

    /// Starts the coordinator again at the address at which its workers look for it.
    func restartCoordinator() async throws {
        coordinator = try RunningProgram(
            ["coordinator", file, "--state", state, "--listen", url] + options)
        _ = try await coordinator.line(after: "listening ", within: 30)
    }

    func startWorker(
        _ name: String, slots: Int = 1, data: String? = nil, failPoint: String? = nil,
        shards: String? = nil
    ) throws -> RunningProgram {
        let worker = try RunningProgram(
            ["worker", "--join", url, "--name", name, "--slots", "\(slots)"]
                + (data.map { ["--data", $0] } ?? []) + (shards.map { ["--shards", $0] } ?? []),
            environment: failPoint.map { ["PLEIAD_FAILPOINT": $0] } ?? [:])
        workers.append(worker)
        return worker
    }

    /// The status document now.
    func status() async throws -> StatusView { try await StatusView(of: url) }

    /// Waits until the status is as wanted, and gives it.
    func status(
        within seconds: Double = 60, until isWanted: (StatusView) -> Bool
    ) async throws -> StatusView {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var last: StatusView?
        while ContinuousClock.now < deadline, coordinator.isRunning {
            let now = try await status()
            if isWanted(now) { return now }
            last = now
        }
        throw ProgramFailure(
            description: "waited for a status: \(last?.text ?? "") \(coordinator.errors)")
    }

    /// Waits until so many steps are committed.
    @discardableResult
    func wait(forStep step: Int) async throws -> StatusView {
        try await status { $0.step >= step }
    }

    /// Stops a worker in its tracks at a moment at which it holds slices of the open step: the step
    /// cannot end without them.
    ///
    /// The worker is left stopped.
    ///
    /// - Returns: the open step, and the slices.
    func stop(_ worker: RunningProgram, named name: String) async throws -> (step: Int, [Int]) {
        for _ in 0..<200 {
            worker.signal(SIGSTOP)
            // What it had sent before is heard between the two looks.
            let (first, second) = (try await status(), try await status())
            let held = second.slices(heldBy: name)
            if first.step == second.step, !held.isEmpty, first.slices(heldBy: name) == held {
                return (second.step, held)
            }
            worker.signal(SIGCONT)
        }
        throw ProgramFailure(description: "\(name) never held a slice: \(coordinator.errors)")
    }

    /// What `pleiad digest` prints once the coordinator has ended.
    func digestWhenDone() async throws -> String {
        let code = try await coordinator.exitCode(within: 150)
        guard code == 0 else {
            throw ProgramFailure(description: "exit \(code): \(coordinator.errors)")
        }
        return try await digest()
    }

    /// What `pleiad digest` prints now.
    func digest() async throws -> String {
        let digest = try await pleiad("digest", state)
        guard digest.code == 0 else { throw ProgramFailure(description: digest.errors) }
        return digest.output
    }

    /// The slices of a step in the ledger.
    func ledgerSlices(ofStep step: Int) throws -> [LedgerSlice] {
        let lines = try SmallFiles.text(of: state + "/ledger").split(separator: "\n")
        let slices = try SmallFiles.object(lines[step])["slices"] as? [[String: Any]] ?? []
        return slices.map {
            LedgerSlice(
                attempts: $0["attempts"] as? Int ?? 0, worker: $0["worker"] as? String ?? "")
        }
    }

    /// Steps in the ledger.
    func ledgerCount() throws -> Int {
        try SmallFiles.text(of: state + "/ledger").split(separator: "\n").count
    }
}

/// How a slice of a committed step came in.
struct LedgerSlice {
    var attempts: Int
    var worker: String
}
