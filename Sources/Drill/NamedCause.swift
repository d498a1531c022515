import CoordinatorDaemon

/// What `pleiad why` must name while a fault lasts.
public enum Cause: String, CaseIterable, Codable, Hashable, Sendable {
    /// A worker is gone: its process died or its connections broke.
    case lostWorker = "lost worker"
    /// A worker is silent: it holds the run up, then it is lost.
    case silentWorker = "silent worker"
    /// There is no coordinator.
    case deadCoordinator = "dead coordinator"
    /// Steps are made that the ledger has.
    case stepsMadeAgain = "steps made again"

    /// So long after a fault an answer may not know of it yet, in seconds: an operator who asks
    /// then asks again.
    ///
    /// A connection that ends is noticed at once, silence after half the lease term of 2.5 s.
    var noticeSeconds: Double {
        switch self {
        case .lostWorker, .stepsMadeAgain: 0.25
        case .silentWorker: 1.5
        case .deadCoordinator: 0
        }
    }
}

/// What `pleiad why` said of a cause while it lasted.
public struct NamedCause: Codable, Hashable, Sendable {
    /// How it came out.
    public enum Outcome: String, Codable, Hashable, Sendable {
        /// The cause was named.
        case named
        /// It lasted, and something else was said.
        case notNamed = "not named"
        /// It was over before it could be asked about: nothing is shown by it.
        case tooShort = "too short"
    }

    /// What was to be named.
    public var cause: Cause
    /// How it came out.
    public var outcome: Outcome
    /// Answers given while it lasted, those not counted that came too early to know.
    public var answers: Int
    /// Seconds from the fault to the answer that named it.
    public var afterSeconds: Double?
    /// The words that named it; else what was said last.
    public var said: String?
    /// Whether it was named as what holds the run up.
    public var isCritical: Bool

    enum CodingKeys: String, CodingKey {
        case cause, outcome, answers, said
        case afterSeconds = "after_seconds"
        case isCritical = "critical"
    }

    /// Every key at all times: what does not apply is null.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(cause, forKey: .cause)
        try keys.encode(outcome, forKey: .outcome)
        try keys.encode(answers, forKey: .answers)
        try keys.encode(afterSeconds, forKey: .afterSeconds)
        try keys.encode(said, forKey: .said)
        try keys.encode(isCritical, forKey: .isCritical)
    }
}
