public import Identity
internal import Kernels
internal import Storage
internal import Tensors
internal import Threads

/// What one pass over all samples tells: their mean, that they are finite, and what they are.
public struct SampleSurvey: Sendable {
    /// The mean of each feature, of the samples as they are.
    ///
    /// In double precision: over the rows of a block of 4,096 from first to last, over blocks in
    /// rising order.
    public let mean: [Float]
    /// Names the samples by their bytes, to know them again.
    public let digest: Digest

    /// Reads all samples once.
    ///
    /// - Parameter samples: as they are, not prepared.
    /// - Throws: `ClusteringError.notFinite` with the first sample that is not.
    public init(
        _ samples: Samples, threads: Int, meter: WorkMeter = WorkMeter()
    ) throws(ClusteringError) {
        meter.begin(.survey, total: samples.count, from: 0, to: 0)
        let mean = columnMeans(of: samples, threads: threads)
        // An infinity or NaN stays in its column's sum; only then are the samples looked through.
        if !Vector.isFinite(mean.span) { _ = try checkedNorms(samples, threads: threads) }
        self.mean = mean
        digest = samples.digest(threads: threads)
    }

    /// What somebody else's pass over the same samples has told.
    ///
    /// - Parameter digest: that of the samples here (`Samples.digest`), found equal.
    public init(mean: [Float], digest: Digest) {
        (self.mean, self.digest) = (mean, digest)
    }
}

extension Samples {
    /// Names the samples by their bytes, as they are before any preparation.
    public func digest(threads: Int) -> Digest {
        var hasher = SHA256Hasher()
        for part in parts {
            let digests = mapRowBlocks(part.count, threads: threads) { part.digest(of: $0) }
            hasher.update("\(part.count) x \(part.dim)")
            for digest in digests { hasher.update(digest.bytes) }
        }
        return hasher.finalize()
    }
}

/// The mean of each feature (see `SampleSurvey`).
func columnMeans(of samples: Samples, threads: Int) -> [Float] {
    let dim = samples.dim
    let blocks = mapRowBlocks(samples.count, threads: threads) { rows in
        var block = Tensor(uninitialized: [rows.count, dim])
        readRows(rows, of: samples, into: &block)
        var sums = [Double](repeating: 0, count: dim)
        let values = block.span
        for row in 0..<rows.count {
            for column in 0..<dim { sums[column] += Double(values[row * dim + column]) }
        }
        return sums
    }
    var sums = [Double](repeating: 0, count: dim)
    for block in blocks {
        for column in 0..<dim { sums[column] += block[column] }
    }
    return sums.map { Float($0 / Double(max(samples.count, 1))) }
}

/// The sum of |x|^2 over all samples: in row order within blocks of 4,096, blocks in rising order.
///
/// - Throws: `ClusteringError.notFinite` with the first sample that is not.
func checkedNorms(_ samples: Samples, threads: Int) throws(ClusteringError) -> Double {
    let dim = samples.dim
    let blocks = mapRowBlocks(samples.count, threads: threads) { rows -> (Double, Int?) in
        var block = Tensor(uninitialized: [rows.count, dim])
        readRows(rows, of: samples, into: &block)
        var sum = 0.0
        for row in 0..<rows.count {
            let values = block.span.extracting((row * dim)..<((row + 1) * dim))
            guard Vector.isFinite(values) else { return (sum, rows.lowerBound + row) }
            sum += Double(Vector.sumOfSquares(values))
        }
        return (sum, nil)
    }
    var total = 0.0
    for (sum, notFinite) in blocks {
        if let notFinite { throw .notFinite(sample: notFinite) }
        total += sum
    }
    return total
}

/// `body` for every 4,096 rows of so many, on several threads; results in the order of the rows.
func mapRowBlocks<Result: Sendable>(
    _ count: Int, threads: Int, _ body: @escaping @Sendable (Range<Int>) -> Result
) -> [Result] {
    let blockRows = 4096
    return mapBlocks(count: (count + blockRows - 1) / blockRows, threads: threads) { block in
        body((block * blockRows)..<min(count, (block + 1) * blockRows))
    }
}
