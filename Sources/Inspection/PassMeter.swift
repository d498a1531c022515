internal import Synchronization
internal import Threads

/// How far a pass over a table or over images is, for whoever watches from another thread; and the
/// word to stop it.
public final class PassMeter: Sendable {
    /// A moment of a pass.
    public struct Reading: Sendable, Hashable {
        /// What is being done, for people.
        public var what = "reading"
        /// What of it is done.
        public var done = 0
        /// What there is to do; 0 as long as that is not known.
        public var total = 0
        /// When that was begun.
        public var begun = ContinuousClock.now
    }

    private struct State {
        var reading = Reading()
        var isStopped = false
    }

    private let state = Mutex(State())

    /// A meter at its beginning.
    public init() {}

    /// How far it is.
    public var reading: Reading { state.withLock { $0.reading } }

    /// Asks the pass to stop: it throws `InspectionError.stopped` at the end of its block.
    public func stop() { state.withLock { $0.isStopped = true } }

    /// Runs `body` over ranges that cover so many things, on several threads, which decide nothing.
    ///
    /// What a range gives must be small: results of all ranges are held.
    ///
    /// - Returns: the results in the order of the ranges.
    /// - Throws: the error of the first range that failed; `.stopped` if it was told to stop.
    func pass<Result: Sendable>(
        _ what: String, over ranges: [Range<Int>], threads: Int,
        _ body: @escaping @Sendable (Range<Int>) throws(InspectionError) -> Result
    ) throws(InspectionError) -> [Result] {
        let total = ranges.reduce(0) { $0 + $1.count }
        state.withLock { $0.reading = Reading(what: what, total: total) }
        let outcomes = mapBlocks(count: ranges.count, threads: threads) { index in
            self.outcome(of: ranges[index], body)
        }
        var results: [Result] = []
        results.reserveCapacity(outcomes.count)
        for outcome in outcomes { results.append(try outcome.get()) }
        return results
    }

    private func outcome<Value>(
        of range: Range<Int>, _ body: (Range<Int>) throws(InspectionError) -> Value
    ) -> Result<Value, InspectionError> {
        guard !state.withLock({ $0.isStopped }) else { return .failure(.stopped) }
        defer { state.withLock { $0.reading.done += range.count } }
        return Result { () throws(InspectionError) in try body(range) }
    }
}
