public import CoordinatorDaemon

/// What a drill has seen of a run, and when: steps that came into the ledger, and steps that were
/// made again after a restart.
///
/// Moments are seconds since the run began.
public struct Timeline: Sendable {
    /// A committed step that was seen to enter the ledger.
    public struct Commit: Hashable, Sendable {
        /// When.
        public var at: Double
        /// What it says.
        public var record: LedgerRecord
    }

    /// A step whose figures were seen: new, or made again.
    public struct Made: Hashable, Sendable {
        /// When.
        public var at: Double
        /// The step, from 0.
        public var step: Int
    }

    /// Commits, in order.
    public private(set) var commits: [Commit] = []
    /// Steps made, in order of time.
    public private(set) var made: [Made] = []

    /// Nothing seen yet.
    public init() {}

    /// Committed steps so far.
    public var stepCount: Int { commits.count }

    /// A step has entered the ledger.
    public mutating func note(_ record: LedgerRecord, at moment: Double) {
        commits.append(Commit(at: moment, record: record))
    }

    /// A step was made, new or again.
    public mutating func note(madeStep step: Int, at moment: Double) {
        made.append(Made(at: moment, step: step))
    }

    /// The first commit after a moment.
    public func commit(after moment: Double) -> Commit? {
        // Faults are recent: look from the end.
        var found: Commit?
        for commit in commits.reversed() {
            guard commit.at > moment else { break }
            found = commit
        }
        return found
    }

    /// The first step made after a moment, new or again.
    public func made(after moment: Double) -> Made? {
        var found: Made?
        for step in made.reversed() {
            guard step.at > moment else { break }
            found = step
        }
        return found
    }

    /// The median of the time between one commit and the next; nil before the third commit.
    public var medianStepSeconds: Double? {
        let times = zip(commits.dropFirst(), commits).map { $0.at - $1.at }.sorted()
        guard times.count >= 2 else { return nil }
        return times[times.count / 2]
    }

    /// The median of the last few of these times; 0 before the third commit.
    public var recentStepSeconds: Double {
        let last = commits.suffix(16)
        let times = zip(last.dropFirst(), last).map { $0.at - $1.at }.sorted()
        return times.count < 2 ? 0 : times[times.count / 2]
    }

    /// The longest time between one commit and the next.
    public var longestPause: Double {
        zip(commits.dropFirst(), commits).map { $0.at - $1.at }.max() ?? 0
    }

    /// Seconds from the first commit to the last.
    public var span: Double {
        guard let first = commits.first, let last = commits.last else { return 0 }
        return last.at - first.at
    }
}
