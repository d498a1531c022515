internal import Tensors

/// Which samples a step trains on: a pure function of run seed and step.
///
/// A data epoch visits every sample exactly once in an order of its own (or, with `dropLast`, all
/// but the samples that would make an incomplete last batch). Design section 2, point 1.
public struct StepSampler: Hashable, Sendable {
    /// Samples in the data set.
    public let count: Int
    /// Samples in a step, less in the last step of an epoch without `dropLast`.
    public let batch: Int
    /// Slices in a step.
    public let slices: Int
    /// Whether an incomplete last batch of an epoch is left out.
    public let dropLast: Bool
    /// The seed of the run.
    public let seed: UInt64

    /// A sampler; `batch <= count` where `dropLast` holds, else no epoch would have a step.
    public init(count: Int, batch: Int, slices: Int, dropLast: Bool, seed: UInt64) {
        precondition(count > 0 && batch > 0 && slices > 0, "\(count), \(batch), \(slices)")
        precondition(!dropLast || batch <= count, "a batch of \(batch) from \(count) samples")
        self.count = count
        self.batch = batch
        self.slices = slices
        self.dropLast = dropLast
        self.seed = seed
    }

    /// Steps in one data epoch.
    public var stepsPerEpoch: Int {
        dropLast ? count / batch : (count + batch - 1) / batch
    }

    /// The data epoch that step `step` belongs to.
    public func dataEpoch(step: Int) -> Int {
        precondition(step >= 0, "step \(step)")
        return step / stepsPerEpoch
    }

    /// Samples in step `step`.
    public func batchCount(step: Int) -> Int {
        let first = step % stepsPerEpoch * batch
        return min(batch, count - first)
    }

    /// The rows of the batch that slice `slice` holds: `floor(s n/S) ..< floor((s+1) n/S)`.
    public func rows(step: Int, slice: Int) -> Range<Int> {
        precondition((0..<slices).contains(slice), "slice \(slice) of \(slices)")
        let n = batchCount(step: step)
        return (slice * n / slices)..<((slice + 1) * n / slices)
    }

    /// The samples of step `step`, in batch order.
    public func indices(step: Int) -> [Int] {
        samples(step: step, rows: 0..<batchCount(step: step))
    }

    /// The samples of slice `slice` of step `step`, in batch order.
    public func slice(step: Int, _ slice: Int) -> [Int] {
        samples(step: step, rows: rows(step: step, slice: slice))
    }

    private func samples(step: Int, rows: Range<Int>) -> [Int] {
        let epoch = dataEpoch(step: step)
        let generator = CounterRandom(
            seed: seed, stream: .dataOrder, a: UInt64(epoch), b: 0)
        let order = IndexPermutation(count: count, generator: generator)
        let first = step % stepsPerEpoch * batch
        return rows.map { order[first + $0] }
    }
}
