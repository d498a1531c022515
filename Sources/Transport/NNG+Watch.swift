import Dispatch
import Synchronization

/// Closes TLS streams of which an operation does not end within its limit.
///
/// nng 1.5.2 does not hold to the limits of operations on a TLS stream in two cases, and lets them
/// wait for ever: a write that waits for the other side's part of the handshake, and whatever is
/// started after the connection beneath has broken with nothing under way.
final class NNGWatch: Sendable {
    /// The one watch: a timer for all streams, running while there are any.
    static let shared = NNGWatch()
    /// What nng itself is given to end an operation that has reached its limit.
    static let grace = Duration.milliseconds(200)
    /// Between two looks.
    private static let period = Duration.milliseconds(100)

    private struct Watched {
        weak var stream: NNGStream?
    }

    private let queue = DispatchQueue(label: "pleiad.nng.watch")
    private let streams = Mutex<[Watched]>([])

    /// Watches a stream until it is closed or gone.
    func add(_ stream: NNGStream) {
        let isFirst = streams.withLock { streams in
            streams.append(Watched(stream: stream))
            return streams.count == 1
        }
        if isFirst { lookLater() }
    }

    private func lookLater() {
        let (seconds, attoseconds) = Self.period.components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        queue.asyncAfter(deadline: .now() + .nanoseconds(nanoseconds)) { self.look() }
    }

    private func look() {
        let now = ContinuousClock.now
        // Streams are asked without the lock: the last reference to one may end here.
        let watched = streams.withLock { streams in
            defer { streams = [] }
            return streams
        }
        let remaining = watched.filter { $0.stream?.closeIfOverdue(at: now) == true }
        let isNeeded = streams.withLock { streams in
            let hasTimer = !streams.isEmpty
            streams += remaining
            return !hasTimer && !streams.isEmpty
        }
        if isNeeded { lookLater() }
    }
}
