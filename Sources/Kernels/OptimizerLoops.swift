import Buffers

/// The element-wise update rules of optimizers.
public enum OptimizerLoops {
    /// The numbers of one AdamW step, the same for all elements.
    public struct AdamWStep: Sendable {
        /// 1 - rate decay: what is left of a parameter before the update.
        public var keep: Float
        /// The share of the old first moment.
        public var beta1: Float
        /// The share of the old second moment.
        public var beta2: Float
        /// rate / (1 - beta1^t).
        public var stepSize: Float
        /// sqrt(1 - beta2^t).
        public var rootCorrection: Float
        /// Keeps the divisor from zero.
        public var epsilon: Float

        /// Makes the numbers of one step.
        public init(
            keep: Float, beta1: Float, beta2: Float, stepSize: Float, rootCorrection: Float,
            epsilon: Float
        ) {
            self.keep = keep
            self.beta1 = beta1
            self.beta2 = beta2
            self.stepSize = stepSize
            self.rootCorrection = rootCorrection
            self.epsilon = epsilon
        }
    }

    /// One step of AdamW (Loshchilov and Hutter 2019) in PyTorch's order of operations:
    /// m += (1 - beta1) (g - m); v = beta2 v + (1 - beta2) g g;
    /// p = keep p - stepSize m / (sqrt(v) / rootCorrection + epsilon).
    @_lifetime(p: copy p) @_lifetime(m: copy m) @_lifetime(v: copy v)
    public static func adamW(
        _ p: inout MutableSpan<Float>, gradient g: Span<Float>,
        first m: inout MutableSpan<Float>, second v: inout MutableSpan<Float>, step: AdamWStep
    ) {
        let count = p.count
        precondition(
            g.count == count && m.count == count && v.count == count, "adamW: counts differ")
        let end = count &- count % 8
        for index in stride(from: 0, to: end, by: 8) { move(&p, g, &m, &v, index, 8, step) }
        if end < count { move(&p, g, &m, &v, end, count &- end, step) }
    }

    /// `adamW` of `part` elements from `index` on.
    ///
    /// Inlined with eight as a constant it has no calls, beside which no register would be kept.
    @inline(__always) @_lifetime(p: copy p) @_lifetime(m: copy m) @_lifetime(v: copy v)
    private static func move(
        _ p: inout MutableSpan<Float>, _ g: Span<Float>, _ m: inout MutableSpan<Float>,
        _ v: inout MutableSpan<Float>, _ index: Int, _ part: Int, _ step: AdamWStep
    ) {
        let take1 = Lanes(repeating: 1 - step.beta1)
        let take2 = Lanes(repeating: 1 - step.beta2)
        let gradient = g.lanes(at: index, upTo: part)
        let old = m.lanes(at: index, upTo: part)
        let first = old.addingProduct(gradient - old, take1)
        let second = (v.lanes(at: index, upTo: part) * step.beta2).addingProduct(
            gradient * gradient, take2)
        let divisor = LaneMath.squareRoot(second) / step.rootCorrection + step.epsilon
        let value = p.lanes(at: index, upTo: part) * step.keep
        m.setLanes(first, at: index, upTo: part)
        v.setLanes(second, at: index, upTo: part)
        p.setLanes(value - step.stepSize * (first / divisor), at: index, upTo: part)
    }

    /// One step of SGD with momentum in PyTorch's form: d = g + decay p; b = momentum b + d;
    /// p = p - rate b, or p - rate (d + momentum b) with Nesterov's look ahead.
    ///
    /// - Parameter b: the momentum; zeros before the first step.
    @_lifetime(p: copy p) @_lifetime(b: copy b)
    public static func sgdMomentum(
        _ p: inout MutableSpan<Float>, gradient g: Span<Float>,
        momentum b: inout MutableSpan<Float>, rate: Float, decay: Float, momentum: Float,
        nesterov: Bool = false
    ) {
        let count = p.count
        precondition(g.count == count && b.count == count, "sgdMomentum: counts differ")
        let end = count &- count % 8
        for index in stride(from: 0, to: end, by: 8) {
            move(&p, g, &b, index, 8, rate, decay, momentum, nesterov)
        }
        if end < count {
            move(&p, g, &b, end, count &- end, rate, decay, momentum, nesterov)
        }
    }

    /// `sgdMomentum` of `part` elements from `index` on.
    @inline(__always) @_lifetime(p: copy p) @_lifetime(b: copy b)
    private static func move(
        _ p: inout MutableSpan<Float>, _ g: Span<Float>, _ b: inout MutableSpan<Float>,
        _ index: Int, _ part: Int, _ rate: Float, _ decay: Float, _ momentum: Float,
        _ nesterov: Bool
    ) {
        let (momentum, rate) = (Lanes(repeating: momentum), Lanes(repeating: -rate))
        let value = p.lanes(at: index, upTo: part)
        let d = g.lanes(at: index, upTo: part).addingProduct(value, Lanes(repeating: decay))
        let moved = d.addingProduct(b.lanes(at: index, upTo: part), momentum)
        b.setLanes(moved, at: index, upTo: part)
        let direction = nesterov ? d.addingProduct(moved, momentum) : moved
        p.setLanes(value.addingProduct(direction, rate), at: index, upTo: part)
    }
}
