import Buffers

// The loop of a classification over drawn classes: one class's row of products at a time.

/// How cosines become exponentials, the same for all rows of a loss.
public struct CosineExponent: Sendable, Hashable {
    /// What a cosine is multiplied by.
    public var scale: Float
    /// What is taken from the product, so that no exponential overflows.
    public var shift: Float
    /// A cosine above this counts as logit 0, without a gradient; infinity for none.
    public var limit: Float

    /// exp(scale c - shift), or exp(-shift) for a cosine above the limit.
    public init(scale: Float, shift: Float, limit: Float) {
        self.scale = scale
        self.shift = shift
        self.limit = limit
    }
}

extension Vector {
    /// From the products of one row with the samples' unit vectors to the row's part in a
    /// softmax: x holds products; c = x / length, clamped to between -1 and 1, is a cosine.
    ///
    /// Adds e = exp(scale c - shift) to `sums`, and leaves e / length in x: what is multiplied with
    /// the row itself, or with the samples for the row's own gradient. That is 0 where the cosine
    /// was clamped or lies above the limit, since it has no gradient there.
    ///
    /// - Parameters:
    ///   - inverse: 1 / length of the row.
    ///   - sums: one a sample.
    /// - Returns: the sum of the cosines over 8 lanes, which are folded as `LaneMath.sum` does.
    @_lifetime(x: copy x) @_lifetime(sums: copy sums)
    public static func exponentiateCosines(
        _ x: inout MutableSpan<Float>, times inverse: Float, _ exponent: CosineExponent,
        addingTo sums: inout MutableSpan<Float>
    ) -> Float {
        let count = x.count
        precondition(sums.count == count, "\(sums.count) sums for \(count) products")
        let row = CosineRow(inverse: inverse, exponent: exponent)
        var total = Lanes(repeating: 0)
        var index = 0
        while index &+ 8 <= count {
            let (c, e, part) = row.exponentiated(x.lanes(at: index))
            total += c
            sums.setLanes(sums.lanes(at: index) + e, at: index)
            x.setLanes(part, at: index)
            index &+= 8
        }
        if index < count {
            // Lanes past the end hold products of 0, whose cosine adds nothing.
            let rest = count &- index
            let (c, e, part) = row.exponentiated(x.lanes(at: index, count: rest))
            total += c
            sums.setLanes(sums.lanes(at: index, count: rest) + e, at: index, count: rest)
            x.setLanes(part, at: index, count: rest)
        }
        return LaneMath.sum(total)
    }
}

/// What all lanes of a row have in common.
private struct CosineRow {
    let inverse: Lanes
    let scale: Lanes
    let zero: Lanes
    let limit: Lanes

    init(inverse: Float, exponent: CosineExponent) {
        self.inverse = Lanes(repeating: inverse)
        scale = Lanes(repeating: exponent.scale)
        zero = Lanes(repeating: -exponent.shift)
        limit = Lanes(repeating: exponent.limit)
    }

    /// Clamped cosines, their exponentials, and those divided by the length where they have a
    /// gradient.
    @inline(__always)
    func exponentiated(_ products: Lanes) -> (c: Lanes, e: Lanes, part: Lanes) {
        let (one, minusOne) = (Lanes(repeating: 1), Lanes(repeating: -1))
        let raw = products * inverse
        var c = raw
        c.replace(with: one, where: raw .> one)
        c.replace(with: minusOne, where: raw .< minusOne)
        var logit = zero.addingProduct(c, scale)
        logit.replace(with: zero, where: c .> limit)
        let e = LaneMath.exp(logit)
        var part = e * inverse
        let nothing = Lanes(repeating: 0)
        part.replace(with: nothing, where: raw .> one)
        part.replace(with: nothing, where: raw .< minusOne)
        part.replace(with: nothing, where: c .> limit)
        return (c, e, part)
    }
}
