import Kernels

/// For each sample a sum of exponentials as a pair: a maximum and the sum of `exp(x - maximum)`.
///
/// Pairs of shards or blocks are merged in index order, so the result depends on how the columns
/// were cut, which is fixed, and never on who computed which part. A part without a logit is the
/// pair (-1e30, 0).
public struct LogSums: Sendable, Equatable {
    /// What stands for the maximum of no logits.
    public static let noMaximum: Float = -1e30

    /// The largest logit of each sample `[B]`.
    public internal(set) var maxima: [Float]
    /// The sum of `exp(logit - maximum)` of each sample `[B]`.
    public internal(set) var sums: [Float]

    /// Sums over no logits.
    public init(sampleCount: Int) {
        maxima = Array(repeating: Self.noMaximum, count: sampleCount)
        sums = Array(repeating: 0, count: sampleCount)
    }

    /// The number of samples.
    public var sampleCount: Int { maxima.count }

    /// Adds the sums over the next columns to these.
    ///
    /// - Precondition: as many samples.
    public mutating func merge(_ next: LogSums) {
        precondition(
            next.sampleCount == sampleCount,
            "sums of \(sampleCount) and \(next.sampleCount) samples")
        for sample in 0..<sampleCount where next.sums[sample] > 0 {
            let top = max(maxima[sample], next.maxima[sample])
            sums[sample] = self.sum(of: sample, under: top) + next.sum(of: sample, under: top)
            maxima[sample] = top
        }
    }

    /// The sum of `exp(logit - top)`, for another maximum than the pair's own.
    public func sum(of sample: Int, under top: Float) -> Float {
        guard sums[sample] > 0 else { return 0 }
        guard top != maxima[sample] else { return sums[sample] }
        return sums[sample] * LaneMath.exp(maxima[sample] - top)
    }

    /// The pair once a logit 0, the 1 of `log(1 + sum)`, has joined: called once, at the end.
    public func withOne(_ sample: Int) -> (top: Float, sum: Float) {
        let top = max(maxima[sample], 0)
        return (top, sum(of: sample, under: top) + LaneMath.exp(-top))
    }
}
