internal import Tensors

/// Which samples a step trains on: a pure function of run seed and step.
///
/// A data epoch visits every sample exactly once in an order of its own (or, with `dropLast`, all
/// but the samples that would make an incomplete last batch). Design section 2, point 1; with
/// sharded sampling section 9.
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
    /// How samples are chosen for slices.
    public let sampling: Sampling
    /// The shards of the data set.
    public let shards: DataShards

    /// A sampler; `batch <= count` where `dropLast` holds, else no epoch would have a step.
    public init(
        count: Int, batch: Int, slices: Int, dropLast: Bool, seed: UInt64,
        sampling: Sampling = .global, shardCount: Int = 1
    ) {
        precondition(count > 0 && batch > 0 && slices > 0, "\(count), \(batch), \(slices)")
        precondition(!dropLast || batch <= count, "a batch of \(batch) from \(count) samples")
        self.count = count
        self.batch = batch
        self.slices = slices
        self.dropLast = dropLast
        self.seed = seed
        self.sampling = sampling
        shards = DataShards(sampleCount: count, count: shardCount)
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
        guard sampling == .sharded else {
            return globalSamples(step: step, rows: 0..<batchCount(step: step))
        }
        let deal = ShardDeal(self, dataEpoch: dataEpoch(step: step))
        return (0..<slices).flatMap { shardedSlice(step: step, $0, deal) }
    }

    /// The samples of slice `slice` of step `step`, in batch order.
    public func slice(step: Int, _ slice: Int) -> [Int] {
        switch sampling {
        case .global: globalSamples(step: step, rows: rows(step: step, slice: slice))
        case .sharded:
            shardedSlice(
                step: step, slice, ShardDeal(self, dataEpoch: dataEpoch(step: step)))
        }
    }

    /// Of every slice the shards that it needs in the data epoch of step `step`, rising; empty
    /// where each slice needs all.
    public func shardsNeeded(step: Int) -> [[Int]] {
        switch sampling {
        case .global: []
        case .sharded: ShardDeal(self, dataEpoch: dataEpoch(step: step)).shardsNeeded
        }
    }

    /// A slice's samples: its rows in all steps of the data epoch, one after the other, are places
    /// in a permutation of what it was dealt.
    private func shardedSlice(step: Int, _ slice: Int, _ deal: ShardDeal) -> [Int] {
        let count = rows(step: step, slice: slice).count
        let own = deal.places(of: slice)
        guard count > 0 else { return [] }
        let generator = CounterRandom(
            seed: seed, stream: .dataOrder, a: UInt64(dataEpoch(step: step)),
            b: UInt64(2 + slice))
        let order = IndexPermutation(count: own.count, generator: generator)
        // All steps before this one in the epoch have a whole batch.
        let before = step % stepsPerEpoch * wholeRows(of: slice)
        return (0..<count).map { deal.sample(at: own.lowerBound + order[before + $0]) }
    }

    /// The rows that a slice holds in a whole batch.
    fileprivate func wholeRows(of slice: Int) -> Int {
        (slice + 1) * batch / slices - slice * batch / slices
    }

    /// The rows that a slice holds in all steps of a data epoch.
    fileprivate func rowsPerEpoch(of slice: Int) -> Int {
        let last = stepsPerEpoch - 1
        return last * wholeRows(of: slice) + rows(step: last, slice: slice).count
    }

    private func globalSamples(step: Int, rows: Range<Int>) -> [Int] {
        let epoch = dataEpoch(step: step)
        let generator = CounterRandom(
            seed: seed, stream: .dataOrder, a: UInt64(epoch), b: 0)
        let order = IndexPermutation(count: count, generator: generator)
        let first = step % stepsPerEpoch * batch
        return rows.map { order[first + $0] }
    }
}

/// How the shards of a data epoch are dealt out: in an order of their own, one after the other, to
/// slices that take as many samples as they have rows.
///
/// A shard that a slice does not take to its end goes on at the next one. With `dropLast` the end
/// of the last shard is left over.
private struct ShardDeal {
    private let shards: DataShards
    /// Shards in the order in which they are dealt.
    private let order: [Int]
    /// Where each of them begins, and where the last one ends.
    private let starts: [Int]
    /// Where each slice's samples begin, and where those of the last one end.
    private let bounds: [Int]

    init(_ sampler: StepSampler, dataEpoch: Int) {
        shards = sampler.shards
        let permutation = IndexPermutation(
            count: shards.count,
            generator: CounterRandom(
                seed: sampler.seed, stream: .dataOrder, a: UInt64(dataEpoch), b: 1))
        order = (0..<shards.count).map { permutation[$0] }
        var starts = [0]
        for shard in order { starts.append(starts[starts.count - 1] + shards.samples(shard).count) }
        self.starts = starts
        var bounds = [0]
        for slice in 0..<sampler.slices {
            bounds.append(bounds[slice] + sampler.rowsPerEpoch(of: slice))
        }
        self.bounds = bounds
    }

    /// The places of a slice among all samples as they are dealt.
    func places(of slice: Int) -> Range<Int> { bounds[slice]..<bounds[slice + 1] }

    /// The sample at a place.
    func sample(at place: Int) -> Int {
        let turn = turn(at: place)
        return shards.samples(order[turn]).lowerBound + place - starts[turn]
    }

    /// Of every slice the shards that it has samples of, rising.
    var shardsNeeded: [[Int]] {
        (0..<(bounds.count - 1)).map { slice in
            let own = places(of: slice)
            guard !own.isEmpty else { return [] }
            return order[turn(at: own.lowerBound)...turn(at: own.upperBound - 1)].sorted()
        }
    }

    /// Whose turn a place is: the last shard that begins at it or before.
    private func turn(at place: Int) -> Int {
        var (low, high) = (0, order.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if starts[middle] <= place { low = middle } else { high = middle - 1 }
        }
        return low
    }
}
