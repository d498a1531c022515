import Foundation
import Synchronization

/// A failure to start, or to come to an end in time.
struct ProgramFailure: Error, CustomStringConvertible {
    let description: String
}

/// The program under test as a process of its own, with bounded waits.
final class RunningProgram: @unchecked Sendable {
    // Sendable: `process` is used by the one test that started it; output is behind a mutex.
    private let process = Process()
    private let pipes = [Pipe(), Pipe()]
    private let collected = Mutex(Output())

    private struct Output {
        var standard = Data()
        var error = Data()
        var openPipes = 2
    }

    /// The repository.
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The release binary, as `swift build -c release` leaves it.
    static let binary =
        ProcessInfo.processInfo.environment["PLEIAD_BINARY"].map {
            URL(fileURLWithPath: $0)
        } ?? root.appendingPathComponent(".build/release/pleiad")

    /// Starts `pleiad`, or another program, with these arguments.
    init(
        _ arguments: [String], executable: URL = RunningProgram.binary,
        environment: [String: String] = [:]
    ) throws {
        guard FileManager.default.isExecutableFile(atPath: executable.path) else {
            throw ProgramFailure(
                description: "\(executable.path) is missing: swift build -c release first")
        }
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = Self.root
        process.environment = ProcessInfo.processInfo.environment
            .merging(environment) { _, new in new }
        process.standardOutput = pipes[0]
        process.standardError = pipes[1]
        process.standardInput = FileHandle.nullDevice
        collect(pipes[0]) { $0.standard.append($1) }
        collect(pipes[1]) { $0.error.append($1) }
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Standard output so far.
    var output: String { collected.withLock { String(decoding: $0.standard, as: UTF8.self) } }

    /// Standard error so far.
    var errors: String { collected.withLock { String(decoding: $0.error, as: UTF8.self) } }

    /// Whether it runs.
    var isRunning: Bool { process.isRunning }

    /// The process id.
    var identifier: Int32 { process.processIdentifier }

    /// Sends a signal.
    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// The exit code (128 + n for a signal n), once it has ended.
    func exitCode(within seconds: Double) async throws -> Int32 {
        try await wait(seconds, "the end of \(process.arguments ?? [])") { !process.isRunning }
        // The last output is on its way; a child that lives on may hold the pipes open.
        let deadline = ContinuousClock.now + .seconds(1)
        while collected.withLock({ $0.openPipes > 0 }), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        // Else they stay open: with more than a thousand, Foundation's `Process.run` reads past the
        // listing of its descriptors.
        if collected.withLock({ $0.openPipes == 0 }) {
            for pipe in pipes { try? pipe.fileHandleForReading.close() }
        }
        let isSignal = process.terminationReason == .uncaughtSignal
        return (isSignal ? 128 : 0) + process.terminationStatus
    }

    /// The rest of the first line, of standard output or else of standard error, that begins with
    /// `prefix`, once it is there.
    func line(after prefix: String, within seconds: Double) async throws -> String {
        String(
            try await line(within: seconds, prefix) { $0.hasPrefix(prefix) }
                .dropFirst(prefix.count))
    }

    /// The first line that contains `words`, once it is there.
    func line(containing words: String, within seconds: Double) async throws -> String {
        try await line(within: seconds, words) { $0.contains(words) }
    }

    private func line(
        within seconds: Double, _ what: String, where isWanted: (Substring) -> Bool
    ) async throws -> String {
        var found: String?
        try await wait(seconds, "a line with \(what)") {
            let lines = [output, errors].flatMap { $0.split(separator: "\n") }
            found = lines.first(where: isWanted).map(String.init)
            return found != nil || !process.isRunning
        }
        guard let found else { throw ProgramFailure(description: "no line \(what): \(errors)") }
        return found
    }

    private func wait(_ seconds: Double, _ what: String, until done: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !done() {
            guard ContinuousClock.now < deadline else {
                signal(SIGKILL)
                throw ProgramFailure(
                    description: "waited \(seconds) s for \(what); \(output)\(errors)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func collect(_ pipe: Pipe, _ append: @escaping @Sendable (inout Output, Data) -> Void) {
        pipe.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            if data.isEmpty { handle.readabilityHandler = nil }
            self?.collected.withLock { output in
                if data.isEmpty { output.openPipes -= 1 } else { append(&output, data) }
            }
        }
    }
}

/// What a program left behind.
struct Ended {
    var code: Int32
    var output: String
    var errors: String

    /// Standard output as one JSON object.
    func object() throws -> [String: Any] { try SmallFiles.object(output) }
}

/// Runs `pleiad` to its end.
func pleiad(
    _ arguments: String..., environment: [String: String] = [:], within seconds: Double = 120
) async throws -> Ended {
    try await pleiad(arguments, environment: environment, within: seconds)
}

/// The same with arguments in an array.
func pleiad(
    _ arguments: [String], environment: [String: String] = [:], within seconds: Double = 120
) async throws -> Ended {
    let program = try RunningProgram(arguments, environment: environment)
    let code = try await program.exitCode(within: seconds)
    return Ended(code: code, output: program.output, errors: program.errors)
}
