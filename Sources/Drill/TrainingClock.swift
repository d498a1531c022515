import Synchronization

/// Seconds since a training began, without those in which everything stood still.
///
/// Where the watcher, who looks every few milliseconds, was not run for longer than a second, the
/// machine slept or all its processes were stopped: such gaps do not count, as they do not for the
/// coordinator.
final class TrainingClock: Sendable {
    private struct State {
        var last: ContinuousClock.Instant
        var seconds = 0.0
    }

    /// The longest time between two looks that is taken for the passing of time, in seconds.
    static let gapMax = 1.0
    /// What a longer one counts as.
    static let gapCounts = 0.1

    private let state = Mutex(State(last: .now))

    /// Seconds now; also a look.
    var now: Double {
        let now = ContinuousClock.now
        return state.withLock { state in
            let passed = max(0, (now - state.last) / .seconds(1))
            state.seconds += passed > Self.gapMax ? Self.gapCounts : passed
            state.last = max(now, state.last)
            return state.seconds
        }
    }
}
