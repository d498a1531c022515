import CoordinatorDaemon
import Storage

/// What `pleiad why` says: of a coordinator that answers, of one that does not, or of a state
/// directory.
struct WhyReport: JSONDocument {
    /// Who says it: `coordinator`, `directory` or `nobody`.
    var source: String
    /// The address or the directory.
    var place: String
    /// The run's name; nil where nobody says.
    var run: String?
    /// As in status; `unknown` where no coordinator answers.
    var state: String
    /// Committed steps, and all steps.
    var step: Int?
    var steps: Int?
    /// What holds the run up; nil if nothing does.
    var critical: StatusDocument.Wait?
    /// Every wait, longest first.
    var waiting: [StatusDocument.Wait]
    /// Whether nobody answers and the run is not done.
    var isUnanswered = false

    enum CodingKeys: CodingKey { case source, place, run, state, step, steps, critical, waiting }

    /// What a coordinator says.
    init(_ document: StatusDocument, url: String) {
        (source, place, run) = ("coordinator", url, document.run)
        (state, step, steps) = (document.state, document.step, document.steps)
        (critical, waiting) = (document.critical, document.waiting)
    }

    /// What can be said of a coordinator that does not answer.
    init(unanswered problem: String, url: String) {
        (source, place, state, isUnanswered) = ("nobody", url, "unknown", true)
        let wait = StatusDocument.Wait(
            kind: "coordinator", what: "an answer of the coordinator: \(problem)",
            who: "coordinator", sinceSeconds: 0,
            next: "pleiad why STATE-DIRECTORY on its host says whether it lives and what it left")
        (critical, waiting) = (wait, [wait])
    }

    /// What a state directory says.
    init(_ outlook: DirectoryOutlook) {
        (source, place, run) = ("directory", outlook.directory, outlook.run.name)
        (state, step, steps) = (
            outlook.isDone ? "done" : "unknown", outlook.recorded, outlook.run.steps
        )
        critical = outlook.wait
        waiting = outlook.wait.map { [$0] } ?? []
        isUnanswered = outlook.wait != nil
    }

    /// Every key at all times: what nobody can say is null.
    func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(source, forKey: .source)
        try keys.encode(place, forKey: .place)
        try keys.encode(run, forKey: .run)
        try keys.encode(state, forKey: .state)
        try keys.encode(step, forKey: .step)
        try keys.encode(steps, forKey: .steps)
        try keys.encode(critical, forKey: .critical)
        try keys.encode(waiting, forKey: .waiting)
    }

    /// The report for people, without a final newline.
    var text: String {
        var parts = [run.map { "run \($0)" } ?? "a run at \(place)", state.uppercased()]
        if let step, let steps { parts.append("step \(grouped(step))/\(grouped(steps))") }
        var lines = [parts.joined(separator: "  ")]
        guard let critical else { return (lines + ["nothing holds it up"]).joined(separator: "\n") }
        lines.append("held up by: \(sentence(critical))")
        lines.append("next: \(critical.next)")
        let others = waiting.filter { $0.what != critical.what || $0.who != critical.who }
        if !others.isEmpty { lines.append("also waiting:") }
        for wait in others { lines.append("  \(sentence(wait)): \(wait.next)") }
        return lines.joined(separator: "\n")
    }

    private func sentence(_ wait: StatusDocument.Wait) -> String {
        let deadline = wait.deadlineSeconds.map { ", \(decimals($0, 1)) s left" } ?? ""
        return "\(wait.what) on \(wait.who), for \(decimals(wait.sinceSeconds, 1)) s\(deadline)"
    }
}
