import CoordinatorDaemon

extension WhyReport {
    /// The report for people, without a final newline.
    var text: String {
        var parts = [run.map { "run \($0)" } ?? "a run at \(place)", state.uppercased()]
        if let step, let steps { parts.append("step \(grouped(step))/\(grouped(steps))") }
        var lines = [parts.joined(separator: "  ")]
        if isMakingAgain, let step, let recorded {
            lines.append(
                "making \(recorded - step) steps again that the ledger has, up to "
                    + "\(grouped(recorded)): each must come out as recorded")
        }
        if let critical {
            lines.append("held up by: \(sentence(critical))")
            lines.append("next: \(critical.next)")
        } else {
            lines.append("nothing holds it up")
        }
        for worker in lost {
            lines.append(
                "lost: worker \(worker.worker) (\(worker.end)), last heard of "
                    + "\(decimals(worker.sinceSeconds, 1)) s ago: others have its slices; it gets "
                    + "leases again once it joins")
        }
        let others = waiting.filter { $0.what != critical?.what || $0.who != critical?.who }
        if !others.isEmpty { lines.append("also waiting:") }
        for wait in others { lines.append("  \(sentence(wait)): \(wait.next)") }
        return lines.joined(separator: "\n")
    }

    private func sentence(_ wait: StatusDocument.Wait) -> String {
        let deadline = wait.deadlineSeconds.map { ", \(decimals($0, 1)) s left" } ?? ""
        return "\(wait.what) on \(wait.who), for \(decimals(wait.sinceSeconds, 1)) s\(deadline)"
    }
}
