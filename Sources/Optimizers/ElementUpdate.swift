import Kernels

/// One update by a rule, its numbers worked out once for all elements that move alike.
///
/// An element's new value depends on its own old ones alone, so rows of a table are moved where
/// they lie, one by one or many at a time, to the same bits.
public struct ElementUpdate: Sendable {
    private enum Numbers {
        case adamW(OptimizerLoops.AdamWStep)
        case sgd(rate: Float, decay: Float, momentum: Float)
    }

    private let numbers: Numbers

    /// The update number `update`, 1 for the first, by a rule.
    ///
    /// - Parameters:
    ///   - rate: the learning rate.
    ///   - update: what AdamW's bias correction counts; for rows of a table the table's updates,
    ///     whenever they were first drawn (MLCD sheet, section 2.5).
    ///   - decays: whether weight decay applies.
    public init(_ rule: UpdateRule, rate: Double, update: Int, decays: Bool = true) {
        switch rule {
        case .adamW(let adamW):
            numbers = .adamW(adamW.numbers(rate: rate, update: update, decays: decays))
        case .sgd(let sgd):
            numbers = .sgd(
                rate: Float(rate), decay: Float(decays ? sgd.weightDecay : 0),
                momentum: Float(sgd.momentum))
        }
    }

    /// Moves elements.
    ///
    /// - Parameters:
    ///   - p: parameters, a row of a table for instance.
    ///   - gradient: as many.
    ///   - first: the rule's first moment, as many; zeros before the first update.
    ///   - second: the second moment; empty where the rule has none.
    @_lifetime(p: copy p) @_lifetime(first: copy first) @_lifetime(second: copy second)
    public func move(
        _ p: inout MutableSpan<Float>, gradient: Span<Float>, first: inout MutableSpan<Float>,
        second: inout MutableSpan<Float>
    ) {
        switch numbers {
        case .adamW(let step):
            OptimizerLoops.adamW(
                &p, gradient: gradient, first: &first, second: &second, step: step)
        case .sgd(let rate, let decay, let momentum):
            OptimizerLoops.sgdMomentum(
                &p, gradient: gradient, momentum: &first, rate: rate, decay: decay,
                momentum: momentum)
        }
    }
}
