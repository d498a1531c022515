import CoordinatorDaemon
import Foundation
import ServiceLifecycle

/// Prints how a run proceeds, until it is over: one line that is rewritten on a terminal, a line
/// every few seconds elsewhere.
struct ProgressLine: Service {
    let coordinator: Coordinator
    /// Seconds between lines where nobody watches them move.
    private static let pause = Duration.seconds(5)

    func run() async throws {
        let pause = Terminal.isInteractive ? Duration.milliseconds(250) : Self.pause
        var last = ""
        while !Task.isShuttingDownGracefully {
            let document = await coordinator.status()
            let line = Self.text(document)
            if line != last { show(line) }
            last = line
            if document.isOver { break }
            // Cancelled, or the run is over: the loop ends.
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
            if Task.isCancelled { break }
        }
        if Terminal.isInteractive { FileHandle.standardError.write(Data("\n".utf8)) }
        try await gracefulShutdown()
    }

    private func show(_ line: String) {
        let text = Terminal.isInteractive ? Terminal.clearLine + line : line + "\n"
        FileHandle.standardError.write(Data(text.utf8))
    }

    /// The line for a status.
    static func text(_ document: StatusDocument) -> String {
        guard document.state != "starting" else {
            return "starting: \(document.detail)"
        }
        let percent = document.steps > 0 ? 100 * document.step / document.steps : 0
        var parts = ["step \(grouped(document.step))/\(grouped(document.steps)) (\(percent) %)"]
        if let loss = document.loss { parts.append("loss \(significant(loss))") }
        parts.append("\(grouped(Int(document.samplesPerSecond))) samples/s")
        let ready = document.workers.count { $0.state == "ready" }
        parts.append("\(ready) worker\(ready == 1 ? "" : "s")")
        if let eta = document.etaSeconds { parts.append("ETA \(duration(eta))") }
        if document.step < document.steps, let wait = document.waiting.first,
            wait.sinceSeconds > 3
        {
            parts.append("waiting for \(wait.what) on \(wait.who), \(duration(wait.sinceSeconds))")
        }
        return parts.joined(separator: "  ")
    }
}
