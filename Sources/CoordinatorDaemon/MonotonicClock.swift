import CoordinatorCore

/// The daemon's clock: never set back.
///
/// It runs on while the machine sleeps; the step machine takes
/// such a gap for no passing of time.
struct MonotonicClock: Sendable {
    /// The same for every clock of the process; made at the first look.
    private static let start = ContinuousClock.now

    /// Now, as the machine wants it.
    var now: Moment {
        let start = Self.start
        return Moment(nanoseconds: 0) + (ContinuousClock.now - start)
    }

    /// Seconds since the process began to look.
    var seconds: Double { Double(now.nanoseconds) / 1e9 }
}
