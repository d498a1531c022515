public import Clustering
import Dispatch
import Synchronization

/// Where a k-means hands its orders in and waits for what workers find.
///
/// The k-means blocks its own thread here; the coordinator's side never waits for it in a call.
public final class AssignmentDesk: CenterAssigner {
    /// What the k-means asks, one after the other; ends when it is done.
    let orders: AsyncStream<AssignmentOrder>
    private let inbox: AsyncStream<AssignmentOrder>.Continuation
    private let state = Mutex(State())
    private let bell = DispatchSemaphore(value: 0)
    private let meter: WorkMeter

    private struct State {
        var answer: NearestCenters?
        var isClosed = false
    }

    /// How often the k-means looks whether it was told to stop.
    private static let lookEvery = DispatchTimeInterval.milliseconds(100)

    /// - Parameter meter: of the clustering: told what is done, asked whether to stop.
    public init(meter: WorkMeter) {
        self.meter = meter
        (orders, inbox) = AsyncStream.makeStream()
    }

    /// Hands an order in and waits until workers have found everything.
    ///
    /// - Throws: `ClusteringError.stopped` if the meter was told so, or the coordinator has closed.
    public func nearest(_ order: AssignmentOrder) throws(ClusteringError) -> NearestCenters {
        inbox.yield(order)
        while true {
            let (answer, isClosed) = state.withLock { ($0.answer.take(), $0.isClosed) }
            if let answer { return answer }
            guard !isClosed, !meter.isStopped else { throw .stopped }
            _ = bell.wait(timeout: .now() + Self.lookEvery)  // whoever rings, we look again
        }
    }

    /// The k-means asks nothing more.
    public func end() { inbox.finish() }

    /// Nobody answers any more: whoever waits, now or later, is told to stop.
    public func close() {
        state.withLock { $0.isClosed = true }
        bell.signal()
    }

    // MARK: The coordinator's side

    /// Samples have come in.
    func note(sampleCount: Int) { meter.advance(by: sampleCount) }

    /// What was asked for last is found.
    func deliver(_ found: NearestCenters) {
        state.withLock { $0.answer = found }
        bell.signal()
    }
}
