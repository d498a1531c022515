/// Digests of a committed step, as its ledger line tells them.
public struct StepDigests: Codable, Hashable, Sendable {
    /// A slice's share.
    public struct Slice: Codable, Hashable, Sendable {
        /// Its number.
        public var slice: Int
        /// How often it was leased.
        public var attempts: Int
        /// Whose result counted.
        public var worker: String
        /// Digest of its result.
        public var leaf: String
    }

    /// The step, from 0.
    public var step: Int
    /// Digest of the version it started from.
    public var version: String
    /// Digest of the summed result.
    public var gradient: String
    /// Digest of the version it led to.
    public var next: String
    /// Its slices.
    public var slices: [Slice]

    /// Whether the two tell of the same bits; who computed them may differ.
    public func hasSameBits(as other: StepDigests) -> Bool {
        step == other.step && version == other.version && gradient == other.gradient
            && next == other.next && slices.map(\.leaf) == other.slices.map(\.leaf)
    }
}

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
        public var digests: StepDigests
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
    public mutating func note(_ digests: StepDigests, at moment: Double) {
        commits.append(Commit(at: moment, digests: digests))
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
