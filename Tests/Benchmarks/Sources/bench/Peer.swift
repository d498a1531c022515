internal import Foundation
internal import Synchronization

/// A Python script that keeps one piece of work ready and does some of it when asked.
///
/// Requests and replies are lines: we send words, the script answers with one JSON object. It ends
/// when its standard input does, so that it never outlives us.
final class Peer {
    /// What the script said of itself once it was ready.
    private(set) var name = ""
    private let label: String
    private let process = Process()
    private let requests = Pipe()
    private let replies = Pipe()
    private var received = Data()

    /// Starts the script and returns at once; ``awaitReady()`` waits for it.
    ///
    /// - Parameters:
    ///   - python: an interpreter, by path or by a name in PATH.
    ///   - script: a file of `Tests/Benchmarks/peers`.
    ///   - environment: what it finds beside our own environment.
    init(
        python: String, script: String, arguments: [String], environment: [String: String] = [:]
    ) throws {
        label = ([script] + arguments).joined(separator: " ")
        process.executableURL = try Self.interpreter(python)
        process.arguments = [try Self.folder().appendingPathComponent(script).path] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = requests
        process.standardOutput = replies
        try process.run()
        _ = Self.living.withLock { $0.insert(process.processIdentifier) }
    }

    deinit { end() }

    /// Waits until imports, warm-up and compilation are over.
    func awaitReady() throws {
        guard let name = try reply()["ready"] as? String else {
            throw BenchError("the peer \(label) did not say what it is")
        }
        self.name = name
    }

    /// Does so many units of the work; the seconds of each.
    func run(_ count: Int) throws -> [Double] {
        try ask("run \(count)")
        guard let seconds = try reply()["seconds"] as? [Double], seconds.count == count else {
            throw BenchError("the peer \(label) did not give \(count) durations")
        }
        return seconds
    }

    /// Sends a request and returns the numbers that the peer answers.
    func numbers(_ request: String) throws -> [String: Double] {
        try ask(request)
        return try reply().compactMapValues { $0 as? Double }
    }

    /// Ends the process.
    func end() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
        _ = Self.living.withLock { $0.remove(process.processIdentifier) }
    }

    /// Ends all peers of this process.
    static func endAll() {
        for pid in living.withLock({ $0 }) { kill(pid, SIGTERM) }
    }

    private static let living = Mutex<Set<Int32>>([])

    private func ask(_ line: String) throws {
        try requests.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
    }

    private func reply() throws -> [String: Any] {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Data(received[received.startIndex..<end])
                received.removeSubrange(received.startIndex...end)
                return try decoded(line)
            }
            let more = replies.fileHandleForReading.availableData
            guard !more.isEmpty else {
                throw BenchError("the peer \(label) ended early; its own words stand above")
            }
            received.append(more)
        }
    }

    private func decoded(_ line: Data) throws -> [String: Any] {
        guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any] else {
            throw BenchError("the peer \(label) said: \(String(decoding: line, as: UTF8.self))")
        }
        if let error = object["error"] as? String { throw BenchError(error) }
        return object
    }

    /// The interpreter's place.
    private static func interpreter(_ python: String) throws -> URL {
        var places = [python]
        if !python.contains("/") {
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            places = path.split(separator: ":").map { "\($0)/\(python)" }
        }
        guard let found = places.first(where: FileManager.default.isExecutableFile) else {
            throw BenchError(
                "no Python at \(python): give --peer an interpreter that has torch, timm and "
                    + "torchvision")
        }
        return URL(fileURLWithPath: found)
    }

    /// The folder of the scripts: beside the sources that this program was built from.
    private static func folder() throws -> URL {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("peers")
        guard FileManager.default.fileExists(atPath: folder.path) else {
            throw BenchError("no peer scripts in \(folder.path): build again where the sources are")
        }
        return folder
    }
}
