public import Foundation
import Synchronization

/// How a life of a process ended.
public enum ProcessEnd: Hashable, Sendable, CustomStringConvertible {
    /// By itself, with this code.
    case code(Int32)
    /// By a signal: it was killed, or crashed.
    case signal(Int32)

    /// For people.
    public var description: String {
        switch self {
        case .code(let code): "code \(code)"
        case .signal(let signal): "signal \(signal)"
        }
    }
}

/// A process that could not be started.
public struct ProcessNotStarted: Error, CustomStringConvertible {
    /// What, and why.
    public let description: String
}

/// A process of this very program (or of one in its place), started and watched by its id.
public final class ChildProcess: Sendable {
    /// Where a process writes.
    public enum Output: Sendable {
        /// Where this process writes.
        case inherited
        /// Nowhere; errors where this process writes its own.
        case errorsAlone
        /// Standard output and error to the ends of these two files, made if they are missing.
        case files(output: String, error: String)
    }

    /// The process id.
    public let identifier: Int32

    private struct State {
        var end: ProcessEnd?
        var waiting: [CheckedContinuation<ProcessEnd, Never>] = []
    }

    private let state: Life

    /// What the handler of its end shares with those who wait.
    private final class Life: Sendable {
        let state = Mutex(State())

        func finish(_ end: ProcessEnd) {
            let waiting = state.withLock { state in
                state.end = end
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume(returning: end) }
        }
    }

    /// This very program.
    public static var thisProgram: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    }

    /// Starts `program` with these arguments and nothing on its standard input.
    ///
    /// - Throws: `ProcessNotStarted`.
    public init(
        _ arguments: [String], program: URL = ChildProcess.thisProgram, output: Output = .inherited
    ) throws {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        let life = Life()
        process.terminationHandler = { process in
            let status = process.terminationStatus
            life.finish(
                process.terminationReason == .uncaughtSignal ? .signal(status) : .code(status))
        }
        do {
            switch output {
            case .inherited: break
            case .errorsAlone: process.standardOutput = FileHandle.nullDevice
            case .files(let output, let error):
                process.standardOutput = try Self.append(to: output)
                process.standardError = try Self.append(to: error)
            }
            try process.run()
        } catch {
            throw ProcessNotStarted(
                description: "\(program.path) \(arguments.first ?? "") could not be started: "
                    + "\(error)")
        }
        identifier = process.processIdentifier
        state = life
    }

    private static func append(to path: String) throws -> FileHandle {
        if !FileManager.default.fileExists(atPath: path) {
            try Data().write(to: URL(fileURLWithPath: path))
        }
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.seekToEnd()
        return handle
    }

    /// How it ended, if it has.
    public var hasEnded: ProcessEnd? { state.state.withLock { $0.end } }

    /// Whether it runs, or is stopped.
    public var isAlive: Bool { hasEnded == nil }

    /// Sends it a signal; none once it has ended, since its id may be another's then.
    public func signal(_ number: Int32) {
        state.state.withLock { state in
            if state.end == nil { kill(identifier, number) }
        }
    }

    /// Kills it, stopped or not, and returns once it is gone.
    @discardableResult
    public func killed() async -> ProcessEnd {
        signal(SIGKILL)
        return await end()
    }

    /// How it ended, once it has; cancellation does not end the wait.
    public func end() async -> ProcessEnd {
        await withCheckedContinuation { continuation in
            let end = state.state.withLock { state in
                if state.end == nil { state.waiting.append(continuation) }
                return state.end
            }
            if let end { continuation.resume(returning: end) }
        }
    }
}
