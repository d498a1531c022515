import Foundation

/// Keys of a run's authority, made by the program itself.
struct KeyRing {
    let path: String
    private let scratch: ScratchDirectory

    /// A new authority below `scratch`.
    init(in scratch: ScratchDirectory, named name: String = "keys") async throws {
        self.scratch = scratch
        path = scratch.appending(name)
        try await Self.require("keys", "init", path)
    }

    /// Issues keys and gives their directory.
    @discardableResult
    func issue(_ name: String, as role: String, _ options: String...) async throws -> String {
        let arguments = ["keys", "issue", path, name, "--role", role] + options
        let program = try RunningProgram(arguments)
        guard try await program.exitCode(within: 30) == 0 else {
            throw ProgramFailure(description: program.errors)
        }
        return path + "/" + name
    }

    private static func require(_ arguments: String...) async throws {
        let program = try RunningProgram(arguments)
        guard try await program.exitCode(within: 30) == 0 else {
            throw ProgramFailure(description: program.errors)
        }
    }
}

/// A coordinator of the run on the small data that asks for keys.
final class SecureRun {
    let keys: KeyRing
    let state: String
    let url: String
    let coordinator: RunningProgram
    private let scratch: ScratchDirectory
    private var workers: [RunningProgram] = []

    /// Starts a coordinator at a free port of 127.0.0.1.
    ///
    /// - Parameters:
    ///   - scheme: of the address, `tls+tcp` or `tcp`.
    ///   - hub: the coordinator's keys; those of role coordinator unless given.
    ///   - steps: of the run.
    init(
        in scratch: ScratchDirectory, scheme: String = "tls+tcp", hub: String? = nil,
        keys given: KeyRing? = nil, options: [String] = ["--exit-when-done"],
        steps: Int = SmallRun.steps
    ) async throws {
        self.scratch = scratch
        let ring: KeyRing
        if let given { ring = given } else { ring = try await KeyRing(in: scratch) }
        keys = ring
        let own: String
        if let hub { own = hub } else { own = try await ring.issue("hub", as: "coordinator") }
        let data = try SmallData.write(to: scratch)
        let file = try scratch.write("run.yaml", SmallRun.text(data: data, steps: steps))
        state = scratch.appending("state")
        coordinator = try RunningProgram(
            [
                "coordinator", file, "--state", state, "--listen", "\(scheme)://127.0.0.1:0",
                "--keys", own,
            ] + options)
        url = try await coordinator.line(after: "listening ", within: 30)
    }

    /// Starts a worker with these keys.
    func startWorker(_ name: String, keys: String?) throws -> RunningProgram {
        let worker = try RunningProgram(
            ["worker", "--join", url, "--name", name] + (keys.map { ["--keys", $0] } ?? []))
        workers.append(worker)
        return worker
    }

    /// The status as a holder of these keys sees it.
    func status(_ keys: String) async throws -> StatusView {
        let ended = try await pleiad("status", url, "--json", "--keys", keys, within: 30)
        guard ended.code == 0 else { throw ProgramFailure(description: ended.errors) }
        return try StatusView(ended)
    }

    /// Waits until so many steps are committed.
    @discardableResult
    func wait(forStep step: Int, _ keys: String) async throws -> StatusView {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline, coordinator.isRunning {
            let now = try await status(keys)
            if now.step >= step { return now }
        }
        throw ProgramFailure(description: "waited for step \(step): \(coordinator.errors)")
    }

    /// Steps in the ledger.
    func ledgerCount() throws -> Int {
        try SmallFiles.text(of: state + "/ledger").split(separator: "\n").count
    }

    /// What `pleiad digest` prints once the coordinator has ended.
    func digestWhenDone() async throws -> String {
        let code = try await coordinator.exitCode(within: 150)
        guard code == 0 else {
            throw ProgramFailure(description: "exit \(code): \(coordinator.errors)")
        }
        return try await pleiad("digest", state).output
    }
}

extension StatusView {
    /// What a command printed.
    init(_ ended: Ended) throws {
        document = try ended.object()
        text = ended.output
    }
}
