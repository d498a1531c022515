import CoordinatorDaemon

/// Listens to what `pleiad why` says while a fault lasts.
struct CauseWatch: Sendable {
    let cause: Cause
    /// The worker that was hit; nil for the coordinator.
    let worker: String?
    /// The life of it that was hit, if it took leases.
    let incarnation: String?
    /// Committed steps when it happened.
    let step: Int
    private var answers = 0
    private var named: (said: String, after: Double)?
    private var isCritical = false
    private var last: String?

    init(_ cause: Cause, worker: String? = nil, incarnation: String? = nil, step: Int) {
        self.cause = cause
        self.worker = worker
        self.incarnation = incarnation
        self.step = step
    }

    /// Whether there is nothing more to hear.
    var isSettled: Bool { isCritical || (named != nil && cause != .silentWorker) }

    /// Whether the fault lasts, as the coordinator that answers sees it.
    func lasts(_ document: StatusDocument) -> Bool {
        switch cause {
        case .lostWorker, .silentWorker:
            guard let incarnation, let worker else { return false }
            let entry = document.workers.first { $0.name == worker }
            return entry.map { $0.incarnation == incarnation } ?? false
        case .deadCoordinator: return false  // one answers
        case .stepsMadeAgain: return document.state == "running" && document.step < step
        }
    }

    /// Takes an answer in that was asked for so many seconds after the fault, while it lasted.
    mutating func hear(_ report: WhyReport, after seconds: Double) {
        guard let (said, isCritical) = words(in: report) else {
            guard named == nil, seconds >= cause.noticeSeconds else { return }
            answers += 1
            last = report.critical?.what ?? "nothing holds the run up"
            return
        }
        answers += 1
        if named == nil { named = (said, seconds) }
        if isCritical, !self.isCritical {
            self.isCritical = true
            named = (said, named?.after ?? seconds)
        }
    }

    /// The words of a report that name the cause, and whether as what holds the run up.
    private func words(in report: WhyReport) -> (String, isCritical: Bool)? {
        let critical = report.critical
        switch cause {
        case .lostWorker:
            if let critical, critical.kind == "noWorker", let worker,
                critical.what.contains("worker \(worker) is lost (")
            {
                return (critical.what, true)
            }
            // Under TLS the end of a connection may show as silence.
            return lost(report, because: ["its connection closed", "no sign of life"])
        case .silentWorker:
            if let critical, let worker, critical.who == "worker \(worker)",
                critical.what.contains("silent for")
            {
                return (critical.what, true)
            }
            return lost(report, because: ["no sign of life"])
        case .deadCoordinator:
            guard let critical, report.source == "directory", critical.kind == "coordinator",
                critical.what.contains(" died after "), (report.step ?? -1) >= step
            else { return nil }
            return (critical.what, true)
        case .stepsMadeAgain:
            guard report.isMakingAgain, let made = report.step, let recorded = report.recorded,
                recorded >= step
            else { return nil }
            return ("steps \(made) to \(recorded - 1) are made again", true)
        }
    }

    /// What is said of the loss of the life that was hit.
    private func lost(_ report: WhyReport, because ends: [String]) -> (String, isCritical: Bool)? {
        let entry = report.lost.first { $0.worker == worker && $0.incarnation == incarnation }
        guard let entry, ends.contains(entry.end) else { return nil }
        return ("worker \(entry.worker) is lost (\(entry.end))", false)
    }

    /// What came of it, once the fault is over.
    var result: NamedCause {
        NamedCause(
            cause: cause, outcome: named != nil ? .named : answers > 0 ? .notNamed : .tooShort,
            answers: answers, afterSeconds: named?.after, said: named?.said ?? last,
            isCritical: isCritical)
    }
}
