/// Which pixels of a row (or column) each output place reads, and with what weights.
///
/// Output place i lies at `begin + (i + 0.5) step` in units of pixels, edges at whole numbers: the
/// convention of PyTorch's `align_corners=False`. A negative step mirrors.
struct AxisTaps {
    /// Pixels that each place reads.
    let tapCount: Int
    /// The first pixel that a place reads; the others follow it.
    let first: [Int]
    /// `[places, tapCount]`.
    let weights: [Float]

    /// Linear interpolation between the two nearest pixels; `size` pixels in all.
    init(begin: Float, step: Float, count: Int, size: Int, padding: EdgePadding) {
        let taps = min(2, size)
        var first = [Int](repeating: 0, count: count)
        var weights = [Float](repeating: 0, count: count * taps)
        for place in 0..<count {
            let centre = begin + (Float(place) + 0.5) * step - 0.5
            var position = max(-1, min(centre, Float(size)))
            if padding == .edge { position = max(0, min(position, Float(size - 1))) }
            let below = Int(position.rounded(.down))
            let fraction = position - Float(below)
            let start = max(0, min(below, size - taps))
            first[place] = start
            for tap in 0..<taps {
                if start + tap == below { weights[place * taps + tap] = 1 - fraction }
                if start + tap == below + 1 { weights[place * taps + tap] = fraction }
            }
        }
        tapCount = taps
        self.first = first
        self.weights = weights
    }

    /// The triangular filter of a shrinking resize.
    ///
    /// Half-width |step| pixels, cut at the border, weights of sum 1. With |step| <= 1 it is
    /// linear interpolation with `.edge`.
    init(antialiased begin: Float, step: Float, count: Int, size: Int) {
        let radius = max(abs(step), 1)
        let taps = min(size, Int((2 * radius).rounded(.up)) + 1)
        var first = [Int](repeating: 0, count: count)
        var weights = [Float](repeating: 0, count: count * taps)
        for place in 0..<count {
            let centre = begin + (Float(place) + 0.5) * step
            let lowest = Int((centre - radius + 0.5).rounded(.down))
            let start = max(0, min(lowest, size - taps))
            first[place] = start
            var sum: Float = 0
            for tap in 0..<taps {
                let away = abs(Float(start + tap) + 0.5 - centre) / radius
                weights[place * taps + tap] = max(0, 1 - away)
                sum += weights[place * taps + tap]
            }
            guard sum > 0 else { continue }
            for tap in 0..<taps { weights[place * taps + tap] /= sum }
        }
        tapCount = taps
        self.first = first
        self.weights = weights
    }

    /// The pixels that any place reads.
    var pixels: Range<Int> {
        let lowest = first.min() ?? 0
        let highest = first.max() ?? 0
        return lowest..<(highest + tapCount)
    }
}
