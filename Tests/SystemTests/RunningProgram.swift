import Foundation
import Synchronization

/// The program under test as a process of its own, with bounded waits.
final class RunningProgram: @unchecked Sendable {
    // Sendable: `process` is used by the one test that started it; output is behind a mutex.
    private let process = Process()
    private let collected = Mutex(Output())

    private struct Output {
        var standard = ""
        var error = ""
    }

    /// A failure to start or to come to an end in time.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The release binary, as `swift build -c release` leaves it.
    static let binary = ProcessInfo.processInfo.environment["PLEIAD_BINARY"].map {
        URL(fileURLWithPath: $0)
    } ?? root.appendingPathComponent(".build/release/pleiad")

    /// Starts `pleiad` with these arguments.
    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        guard FileManager.default.isExecutableFile(atPath: Self.binary.path) else {
            throw Failure(
                description: "\(Self.binary.path) is missing: swift build -c release first")
        }
        process.executableURL = Self.binary
        process.arguments = arguments
        process.currentDirectoryURL = Self.root
        process.environment = ProcessInfo.processInfo.environment
            .merging(environment) { _, new in new }
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        process.standardInput = FileHandle.nullDevice
        collect(output) { $0.standard += $1 }
        collect(error) { $0.error += $1 }
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Standard output so far.
    var output: String { collected.withLock { $0.standard } }

    /// Standard error so far.
    var errors: String { collected.withLock { $0.error } }

    /// Whether it runs.
    var isRunning: Bool { process.isRunning }

    /// Sends a signal.
    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// The exit code (128 + n for a signal n), once it has ended.
    func exitCode(within seconds: Double) async throws -> Int32 {
        try await wait(seconds, "the end of \(process.arguments ?? [])") { !process.isRunning }
        try await Task.sleep(for: .milliseconds(50))  // the last output is on its way
        let isSignal = process.terminationReason == .uncaughtSignal
        return (isSignal ? 128 : 0) + process.terminationStatus
    }

    /// The rest of the first line of output that begins with `prefix`, once it is there.
    func line(after prefix: String, within seconds: Double) async throws -> String {
        var found: String?
        try await wait(seconds, "a line \(prefix)") {
            found = output.split(separator: "\n").first { $0.hasPrefix(prefix) }
                .map { String($0.dropFirst(prefix.count)) }
            return found != nil || !process.isRunning
        }
        guard let found else { throw Failure(description: "no line \(prefix): \(errors)") }
        return found
    }

    private func wait(_ seconds: Double, _ what: String, until done: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !done() {
            guard ContinuousClock.now < deadline else {
                signal(SIGKILL)
                throw Failure(description: "waited \(seconds) s for \(what); \(output)\(errors)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func collect(_ pipe: Pipe, _ append: @escaping @Sendable (inout Output, String) -> Void)
    {
        pipe.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            guard !data.isEmpty else {
                handle.readabilityHandler = nil
                return
            }
            self?.collected.withLock { append(&$0, String(decoding: data, as: UTF8.self)) }
        }
    }
}

/// Runs `pleiad` to its end.
func pleiad(
    _ arguments: String..., within seconds: Double = 120
) async throws -> (code: Int32, output: String, errors: String) {
    let program = try RunningProgram(arguments)
    let code = try await program.exitCode(within: seconds)
    return (code, program.output, program.errors)
}

/// A directory that a test has for itself; removed at its end.
final class ScratchDirectory {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory
            .appendingPathComponent("pleiad-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }  // best effort

    /// A path below it.
    func appending(_ name: String) -> String { path + "/" + name }

    /// Writes a file below it and gives its path.
    func write(_ name: String, _ text: String) throws -> String {
        let file = appending(name)
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}
