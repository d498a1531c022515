import Foundation

/// A failure to start, or to come to an end in time.
struct ProgramFailure: Error, CustomStringConvertible {
    let description: String
}

/// The program under test as a process of its own, with bounded waits.
final class RunningProgram: @unchecked Sendable {
    // Sendable: `process` is used by the one test that started it; all else is constant.
    private let process = Process()
    /// What it writes goes to files: they are whole once it has ended, and a child that lives on
    /// keeps nobody waiting. (Foundation's handlers of pipes have lost the rest of long outputs.)
    private let written: ScratchDirectory

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
        written = try ScratchDirectory()
        let handles = try ["output", "errors"].map { name in
            try FileHandle(forWritingTo: URL(fileURLWithPath: written.write(name, "")))
        }
        (process.standardOutput, process.standardError) = (handles[0], handles[1])
        process.standardInput = FileHandle.nullDevice
        try process.run()
        for handle in handles { try handle.close() }
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Standard output so far.
    var output: String { text("output") }

    /// Standard error so far.
    var errors: String { text("errors") }

    private func text(_ name: String) -> String {
        do {
            return try SmallFiles.text(of: written.appending(name))
        } catch {
            return "\(error)"
        }
    }

    /// Whether it runs.
    var isRunning: Bool { process.isRunning }

    /// The process id.
    var identifier: Int32 { process.processIdentifier }

    /// Sends a signal.
    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// The exit code (128 + n for a signal n), once it has ended.
    func exitCode(within seconds: Double) async throws -> Int32 {
        try await wait(seconds, "the end of \(process.arguments ?? [])") { !process.isRunning }
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
