import CoordinatorDaemon
import Foundation
import Methods

/// The status document as a screen for people.
struct StatusTable {
    private let document: StatusDocument

    init(_ document: StatusDocument) { self.document = document }

    /// The screen, without a final newline.
    var text: String {
        var lines = [headline]
        if !document.detail.isEmpty { lines.append(document.detail) }
        for wait in document.waiting.prefix(5) {
            lines.append(
                "waiting: \(wait.what) on \(wait.who), \(decimals(wait.sinceSeconds, 1)) s")
        }
        lines.append("")
        lines += columns(
            [["worker", "state", "incarnation", "phase", "slices done", "last seen"]]
                + document.workers.map { worker in
                    [
                        worker.name, worker.state, worker.incarnation, worker.phase,
                        grouped(worker.slicesDone), "\(decimals(worker.lastSeenSeconds, 1)) s",
                    ]
                })
        for worker in document.quarantine { lines.append("quarantine: \(worker.reason)") }
        for table in document.tables {
            lines.append(
                "table    \(table.name): \(grouped(table.rows)) x \(table.dim), "
                    + "\(grouped(table.bytes >> 10)) KiB")
        }
        for round in document.exchanges {
            lines.append("exchange \(round.name): \(round.groups) answer groups a step")
        }
        for transfer in document.traffic where transfer.messages > 0 {
            let rate = (transfer.bytesPerSecond ?? 0) / 1e6
            lines.append(
                "traffic  \(transfer.name): \(grouped(transfer.bytes >> 10)) KiB in "
                    + "\(decimals(transfer.seconds, 1)) s, \(grouped(Int(rate))) MB/s")
        }
        let step = document.phases.reduce(0) { $0 + $1.seconds }
        if step > 0 {
            let phases = document.phases.map {
                "\($0.name) \(decimals(1000 * $0.seconds, 1)) ms "
                    + "(\(Int(100 * $0.seconds / step)) %)"
            }
            lines.append("step     " + phases.joined(separator: "  "))
        }
        if !document.figures.isEmpty {
            let figures = document.figures.map { "\($0.name) \(significant($0.value))" }
            lines.append("figures  " + figures.joined(separator: "  "))
        }
        if let evaluation = document.evaluation {
            let accuracies = evaluation.accuracies.map {
                "\($0.name) \(decimals(100 * $0.value, 2)) %"
            }
            lines.append(
                "measured step \(grouped(evaluation.step)): "
                    + accuracies.joined(separator: "  "))
        }
        return lines.joined(separator: "\n")
    }

    private var headline: String {
        var parts = [
            "run \(document.run)", document.state.uppercased(),
            "step \(grouped(document.step))/\(grouped(document.steps))",
        ]
        if let loss = document.loss { parts.append("loss \(significant(loss))") }
        if document.samplesPerSecond > 0 {
            parts.append("\(grouped(Int(document.samplesPerSecond))) samples/s")
        }
        if let eta = document.etaSeconds, document.state == "running" {
            parts.append("ETA \(duration(eta))")
        }
        if let checkpoint = document.checkpointStep {
            parts.append("checkpoint \(grouped(checkpoint))")
        }
        parts.append("epoch \(document.epoch)")
        return parts.joined(separator: "  ")
    }
}
