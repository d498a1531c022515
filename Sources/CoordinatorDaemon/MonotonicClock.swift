import CoordinatorCore

/// The daemon's clock: never set back, stands while the machine sleeps.
struct MonotonicClock: Sendable {
    private static let start = ContinuousClock.now

    /// Now, as the machine wants it.
    var now: Moment {
        Moment(nanoseconds: 0) + (ContinuousClock.now - Self.start)
    }

    /// Seconds since the process began to look.
    var seconds: Double { Double(now.nanoseconds) / 1e9 }
}
