public import Tensors

/// The optimizer of a network's flat parameters: norm clip, update rule and its moments.
public struct ParameterOptimizer: Sendable {
    /// How parameters move.
    public let rule: UpdateRule
    /// The greatest norm of the whole gradient; 0 for no clipping.
    public let clipNorm: Double
    /// The number of updates made so far.
    public private(set) var updates = 0
    /// The rule's moments, flat as the parameters, in the order of its names.
    public private(set) var moments: [Tensor]
    /// Runs of parameters that are updated alike, in order, covering all; short enough that
    /// threads share them evenly.
    private let parts: [UpdateRule.Part]

    /// The most parameters of a part: 256 KiB.
    private static let partCountMax = 65_536

    /// An optimizer that has made no update.
    ///
    /// - Parameters:
    ///   - parameterCount: length of the flat parameters, padding included.
    ///   - undecayed: ranges of parameters that weight decay leaves alone (norms and biases,
    ///     say), rising and disjoint; none by default, as in the reference run.
    public init(
        _ rule: UpdateRule, parameterCount: Int, clipNorm: Double = 0,
        undecayed: [Range<Int>] = []
    ) {
        precondition(clipNorm >= 0, "a gradient norm of at most \(clipNorm)")
        self.rule = rule
        self.clipNorm = clipNorm
        moments = (0..<rule.momentCount).map { _ in Tensor(zeros: [parameterCount]) }
        var parts: [UpdateRule.Part] = []
        func append(_ range: Range<Int>, decays: Bool) {
            for first in stride(
                from: range.lowerBound, to: range.upperBound, by: Self.partCountMax)
            {
                let end = min(first + Self.partCountMax, range.upperBound)
                parts.append(UpdateRule.Part(range: first..<end, decays: decays))
            }
        }
        var place = 0
        for range in undecayed {
            precondition(
                range.lowerBound >= place && range.upperBound <= parameterCount,
                "undecayed parameters \(range) do not rise within \(parameterCount)")
            append(place..<range.lowerBound, decays: true)
            append(range, decays: false)
            place = range.upperBound
        }
        append(place..<parameterCount, decays: true)
        self.parts = parts
    }

    /// Makes one update.
    ///
    /// - Parameters:
    ///   - parameters: flat; copied first if anybody else still looks at them.
    ///   - gradient: flat, as long as the parameters.
    ///   - rate: the learning rate of this update.
    ///   - firstBeta: AdamW's first beta for this update, where the schedule moves it.
    ///   - threads: threads at work; they never decide a bit.
    /// - Returns: the norm of the gradient before clipping.
    @discardableResult
    public mutating func step(
        _ parameters: inout Tensor, gradient: Tensor, rate: Double, firstBeta: Double? = nil,
        threads: Int = 1
    ) -> Double {
        updates += 1
        let norm = globalNorm(gradient, threads: threads)
        let clipped =
            clipNorm > 0
            ? clippedGradient(gradient, norm: norm, to: clipNorm, threads: threads) : gradient
        let rule = rule.with(firstBeta: firstBeta)
        rule.apply(
            to: &parameters, moments: &moments, gradient: clipped, rate: rate, update: updates,
            parts: parts, threads: threads)
        return norm
    }

    /// Takes over the state of a checkpoint.
    ///
    /// - Returns: false, and nothing is changed, if the moments are not those of this rule and
    ///   number of parameters.
    public mutating func restore(moments: [Tensor], updates: Int) -> Bool {
        let fits =
            updates >= 0 && moments.count == self.moments.count
            && zip(moments, self.moments).allSatisfy { $0.count == $1.count }
        guard fits else { return false }
        self.moments = moments.map { $0.reshaped([$0.count]) }
        self.updates = updates
        return true
    }
}
