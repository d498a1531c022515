internal import Synchronization

/// How far a clustering is, for whoever watches from another thread; and the word to stop it.
public final class WorkMeter: Sendable {
    /// What is being done.
    public enum Stage: Sendable, Hashable {
        /// Features are read once: their mean, whether they are finite.
        case survey
        /// Cells of the first centers are made, for an accelerated search.
        case cells
        /// An iteration, counted from 1.
        case iteration(Int)
        /// The nearest centers of all samples are looked up.
        case labels
        /// A sample of the labels is compared with an exact search.
        case check
    }

    /// A moment of a clustering.
    public struct Reading: Sendable {
        /// What is being done.
        public var stage: Stage = .survey
        /// Samples that this stage has done.
        public var done = 0
        /// Samples that this stage has to do; 0 where that is not counted.
        public var total = 0
        /// The part of all the work that is done, 0 to 1.
        public var fraction = 0.0
        /// The part that was done before this process began.
        public var begun = 0.0
        /// Iterations made, those of an earlier process included.
        public var iterations = 0
    }

    private struct State {
        var reading = Reading()
        var isStopped = false
        /// The parts of all work that the stage begins and ends at.
        var span = (from: 0.0, to: 0.0)
    }

    private let state = Mutex(State())

    /// A meter at its beginning.
    public init() {}

    /// How far it is.
    public var reading: Reading { state.withLock { $0.reading } }

    /// Whether somebody has asked to stop.
    public var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Asks the clustering to stop: it throws `ClusteringError.stopped` within some seconds.
    public func stop() { state.withLock { $0.isStopped = true } }

    /// So much was done earlier.
    func goOn(iterations: Int, fraction: Double) {
        state.withLock {
            $0.reading.iterations = iterations
            ($0.reading.begun, $0.reading.fraction) = (fraction, fraction)
        }
    }

    /// An iteration is made.
    func endIteration() { state.withLock { $0.reading.iterations += 1 } }

    /// A stage begins that makes up this part of all work.
    func begin(_ stage: Stage, total: Int, from: Double, to: Double) {
        state.withLock {
            ($0.reading.stage, $0.reading.done, $0.reading.total) = (stage, 0, total)
            $0.reading.fraction = from
            $0.span = (from, to)
        }
    }

    /// So many more samples are done.
    public func advance(by count: Int) {
        state.withLock {
            $0.reading.done += count
            let part = Double($0.reading.done) / Double(max($0.reading.total, 1))
            $0.reading.fraction = $0.span.from + ($0.span.to - $0.span.from) * min(part, 1)
        }
    }
}
