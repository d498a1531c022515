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
        // Plain addresses: what closures capture would be read again for each eight elements.
        unsafe p.withUnsafeMutableBufferPointer { p in
            unsafe g.withUnsafeBufferPointer { g in
                unsafe m.withUnsafeMutableBufferPointer { m in
                    unsafe v.withUnsafeMutableBufferPointer { v in
                        guard let p = p.baseAddress, let g = g.baseAddress,
                            let m = m.baseAddress, let v = v.baseAddress
                        else { return }
                        unsafe adamW(count, p, g, m, v, step)
                    }
                }
            }
        }
    }

    private static func adamW(
        _ count: Int, _ p: UnsafeMutablePointer<Float>, _ g: UnsafePointer<Float>,
        _ m: UnsafeMutablePointer<Float>, _ v: UnsafeMutablePointer<Float>, _ step: AdamWStep
    ) {
        let end = count &- count % 8
        for index in stride(from: 0, to: end, by: 8) {
            unsafe moveEight(p + index, g + index, m + index, v + index, step)
        }
        guard end < count else { return }
        // The last ones with zeros behind them.
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: 32) { memory in
            guard let whole = memory.baseAddress else { return }
            unsafe memory.initialize(repeating: 0)
            let rest = count &- end
            for index in 0..<rest {
                unsafe whole[index] = p[end &+ index]
                unsafe whole[8 &+ index] = g[end &+ index]
                unsafe whole[16 &+ index] = m[end &+ index]
                unsafe whole[24 &+ index] = v[end &+ index]
            }
            unsafe moveEight(whole, UnsafePointer(whole + 8), whole + 16, whole + 24, step)
            for index in 0..<rest {
                unsafe p[end &+ index] = whole[index]
                unsafe m[end &+ index] = whole[16 &+ index]
                unsafe v[end &+ index] = whole[24 &+ index]
            }
        }
    }

    @inline(__always)
    private static func moveEight(
        _ p: UnsafeMutablePointer<Float>, _ g: UnsafePointer<Float>,
        _ m: UnsafeMutablePointer<Float>, _ v: UnsafeMutablePointer<Float>, _ step: AdamWStep
    ) {
        let (gradient, old) = unsafe (g.eight, m.eight)
        let take1 = Lanes(repeating: 1 - step.beta1)
        let take2 = Lanes(repeating: 1 - step.beta2)
        let first = old.addingProduct(gradient - old, take1)
        let second = unsafe (v.eight * step.beta2).addingProduct(gradient * gradient, take2)
        let divisor = LaneMath.squareRoot(second) / step.rootCorrection + step.epsilon
        unsafe m.setEight(first)
        unsafe v.setEight(second)
        unsafe p.setEight(p.eight * step.keep - step.stepSize * (first / divisor))
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
        let decay = Lanes(repeating: decay)
        let (momentum, rate) = (Lanes(repeating: momentum), Lanes(repeating: -rate))
        var index = 0
        while index < count {
            let part = min(8, count &- index)
            let value = p.lanes(at: index, upTo: part)
            let d = g.lanes(at: index, upTo: part).addingProduct(value, decay)
            let moved = d.addingProduct(b.lanes(at: index, upTo: part), momentum)
            b.setLanes(moved, at: index, upTo: part)
            let direction = nesterov ? d.addingProduct(moved, momentum) : moved
            p.setLanes(value.addingProduct(direction, rate), at: index, upTo: part)
            index &+= 8
        }
    }
}
