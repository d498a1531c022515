import Drill
import Foundation
import Synchronization
import UnixSignals

/// Holds the drill; Ctrl-C ends its processes and removes its directory.
func untilInterrupted(_ drill: Drill, keepsFiles: Bool) async throws -> DrillReport {
    let line = DrillLine()
    defer { line.end() }
    do {
        return try await withThrowingTaskGroup(of: DrillReport?.self) { group in
            group.addTask { try await drill.run { line.show($0) } }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                    return nil
                }
                throw CancellationError()  // the drill is over
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let report = first else {
                throw RunFailed(description: "interrupted: its processes have ended")
            }
            return report
        }
    } catch {
        if !keepsFiles { drill.removeDirectory() }
        throw error
    }
}

/// How a drill proceeds: one line that is rewritten, on a terminal alone.
final class DrillLine: Sendable {
    private let last = Mutex("")

    /// Shows what a drill is at.
    func show(_ progress: DrillProgress) {
        guard Terminal.isInteractive else { return }
        var parts = [progress.phase.rawValue, "step \(grouped(progress.step))"]
        if let steps = progress.steps { parts[1] += "/\(grouped(steps))" }
        if progress.phase == .faulted {
            parts.append("fault \(progress.faults.made)/\(progress.faults.planned)")
        }
        if let left = progress.secondsLeft, left > 0 { parts.append("ETA \(duration(left))") }
        let line = parts.joined(separator: "  ")
        let isNew = last.withLock { last in
            defer { last = line }
            return last != line
        }
        if isNew { FileHandle.standardError.write(Data((Terminal.clearLine + line).utf8)) }
    }

    /// Clears the line.
    func end() {
        guard Terminal.isInteractive else { return }
        FileHandle.standardError.write(Data(Terminal.clearLine.utf8))
    }
}
