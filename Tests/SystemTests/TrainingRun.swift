import Foundation

/// A coordinator with its workers, as separate processes on a free port.
final class TrainingRun {
    private let scratch: ScratchDirectory
    private let runFile: String
    private(set) var coordinator: RunningProgram
    private(set) var workers: [RunningProgram] = []
    private let port: String

    var state: String { scratch.appending("state") }
    var url: String { "tcp://127.0.0.1:\(port)" }

    init(in scratch: ScratchDirectory, text: String = ElasticityTests.runFile) async throws {
        self.scratch = scratch
        runFile = try scratch.write("run.yaml", text)
        coordinator = try RunningProgram([
            "coordinator", runFile, "--state", scratch.appending("state"), "--listen",
            "tcp://127.0.0.1:0", "--exit-when-done",
        ])
        let address = try await coordinator.line(after: "listening ", within: 30)
        port = String(address.split(separator: ":").last ?? "")
    }

    /// Starts the coordinator again at the address at which its workers look for it.
    func restartCoordinator() async throws {
        coordinator = try RunningProgram([
            "coordinator", runFile, "--state", state, "--listen", url, "--exit-when-done",
        ])
        _ = try await coordinator.line(after: "listening ", within: 30)
    }

    func startWorker(_ name: String, slots: Int = 1) throws -> RunningProgram {
        let worker = try RunningProgram([
            "worker", "--join", url, "--name", name, "--slots", "\(slots)",
        ])
        workers.append(worker)
        return worker
    }

    /// The status document now, as JSON.
    func status() async throws -> [String: Any] {
        let (code, output, errors) = try await pleiad("status", url, "--json", within: 20)
        let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
        guard code == 0, let document = object as? [String: Any] else {
            throw RunningProgram.Failure(description: "status: \(output)\(errors)")
        }
        return document
    }

    /// Waits until so many steps are committed.
    func wait(forStep step: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            if let now = try await status()["step"] as? Int, now >= step { return }
            guard coordinator.isRunning else { break }
        }
        throw RunningProgram.Failure(description: "step \(step) never came: \(coordinator.errors)")
    }

    /// What `pleiad digest` prints once the coordinator has ended.
    func digestWhenDone() async throws -> String {
        let code = try await coordinator.exitCode(within: 150)
        guard code == 0 else {
            throw RunningProgram.Failure(description: "exit \(code): \(coordinator.errors)")
        }
        let (digestCode, output, errors) = try await pleiad("digest", state)
        guard digestCode == 0 else { throw RunningProgram.Failure(description: errors) }
        return output
    }
}
