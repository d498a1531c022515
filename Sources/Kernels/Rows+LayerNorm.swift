import Buffers
import CWideKernels

/// Sums over a row have the order of `Vector`; sums over rows go from the first to the last.
extension Rows {
    /// y = (x - mean) / sqrt(variance + epsilon) w + b of each row, with the biased variance.
    ///
    /// - Parameters:
    ///   - x: rows as long as `weight`.
    ///   - y: as `x`.
    ///   - means: one for each row, kept for the gradient.
    ///   - inverses: 1 / sqrt(variance + epsilon) of each row, kept for the gradient.
    @_lifetime(y: copy y) @_lifetime(means: copy means) @_lifetime(inverses: copy inverses)
    public static func layerNorm(
        _ x: Span<Float>, weight: Span<Float>, bias: Span<Float>, epsilon: Float,
        into y: inout MutableSpan<Float>, means: inout MutableSpan<Float>,
        inverses: inout MutableSpan<Float>
    ) {
        let width = weight.count
        let height = rowCount(x.count, width: width)
        precondition(
            bias.count == width && y.count == x.count && means.count == height
                && inverses.count == height, "layerNorm: counts differ")
        guard !WideRegisters.areThere else {
            unsafe withAddresses(x, weight, bias, &y, &means, &inverses) {
                unsafe wide_layer_norm($0, $1, $2, epsilon, height, width, $3, $4, $5)
            }
            return
        }
        for row in 0..<height {
            let start = row &* width
            let total = Vector.reduce(width) { sum, index, part in
                sum + x.lanes(at: start &+ index, upTo: part)
            }
            let mean = total / Float(width)
            let squares = Vector.reduce(width) { sum, index, part in
                let d = deviation(x, start &+ index, part, mean)
                return sum.addingProduct(d, d)
            }
            let inverse = 1 / (squares / Float(width) + epsilon).squareRoot()
            means[row] = mean
            inverses[row] = inverse
            Vector.forEachLanes(width) { column, part in
                let normal = (x.lanes(at: start &+ column, upTo: part) - mean) * inverse
                let value = bias.lanes(at: column, upTo: part).addingProduct(
                    normal, weight.lanes(at: column, upTo: part))
                y.setLanes(value, at: start &+ column, upTo: part)
            }
        }
    }

    /// The gradients of `layerNorm`.
    ///
    /// With n = (x - mean) inverse and h = g w: dx = inverse (h - mean(h) - n mean(h n)),
    /// dw = the sum of g n over rows, db = the sum of g over rows.
    ///
    /// - Parameter isAdded: whether dx is added to what stands there.
    @_lifetime(dx: copy dx) @_lifetime(dWeight: copy dWeight) @_lifetime(dBias: copy dBias)
    public static func layerNormGradient(
        _ x: Span<Float>, weight: Span<Float>, means: Span<Float>, inverses: Span<Float>,
        gradient g: Span<Float>, isAdded: Bool = false, into dx: inout MutableSpan<Float>,
        dWeight: inout MutableSpan<Float>, dBias: inout MutableSpan<Float>
    ) {
        let width = weight.count
        let height = rowCount(x.count, width: width)
        precondition(
            g.count == x.count && dx.count == x.count && dWeight.count == width
                && dBias.count == width && means.count == height && inverses.count == height,
            "layerNorm gradient: counts differ")
        guard !WideRegisters.areThere else {
            unsafe withAddresses(x, weight, g, &dx, &dWeight, &dBias) { x, w, g, dx, dw, db in
                unsafe means.withUnsafeBufferPointer { means in
                    unsafe inverses.withUnsafeBufferPointer { inverses in
                        unsafe wide_layer_norm_gradient(
                            x, w, means.baseAddress, inverses.baseAddress, g, height, width, dx,
                            isAdded ? 1 : 0, dw, db)
                    }
                }
            }
            return
        }
        Vector.fill(&dWeight, with: 0)
        Vector.fill(&dBias, with: 0)
        for row in 0..<height {
            let (start, mean, inverse) = (row &* width, means[row], inverses[row])
            let plain = Vector.reduce(width) { sum, index, part in
                sum.addingProduct(
                    g.lanes(at: start &+ index, upTo: part), weight.lanes(at: index, upTo: part))
            }
            let weighted = Vector.reduce(width) { sum, index, part in
                let h =
                    g.lanes(at: start &+ index, upTo: part)
                    * weight.lanes(at: index, upTo: part)
                return sum.addingProduct(h, deviation(x, start &+ index, part, mean) * inverse)
            }
            let meanH = Lanes(repeating: plain / Float(width))
            let meanHN = Lanes(repeating: weighted / Float(width))
            Vector.forEachLanes(width) { column, part in
                let index = start &+ column
                let gradient = g.lanes(at: index, upTo: part)
                let normal = deviation(x, index, part, mean) * inverse
                let h = gradient * weight.lanes(at: column, upTo: part)
                var value = ((h - meanH) - normal * meanHN) * inverse
                if isAdded { value = dx.lanes(at: index, upTo: part) + value }
                dx.setLanes(value, at: index, upTo: part)
                let dw = dWeight.lanes(at: column, upTo: part).addingProduct(gradient, normal)
                dWeight.setLanes(dw, at: column, upTo: part)
                let db = dBias.lanes(at: column, upTo: part) + gradient
                dBias.setLanes(db, at: column, upTo: part)
            }
        }
    }

    /// x - mean of `part` elements, zeros behind them.
    @inline(__always)
    private static func deviation(
        _ x: Span<Float>, _ index: Int, _ part: Int, _ mean: Float
    )
        -> Lanes
    {
        guard part < 8 else { return x.lanes(at: index) - mean }
        var result = Lanes(repeating: 0)
        for lane in 0..<part { result[lane] = x[index &+ lane] - mean }
        return result
    }

    /// Where six vectors begin, three of them to be written.
    @_lifetime(d: copy d) @_lifetime(e: copy e) @_lifetime(f: copy f)
    private static func withAddresses(
        _ a: Span<Float>, _ b: Span<Float>, _ c: Span<Float>, _ d: inout MutableSpan<Float>,
        _ e: inout MutableSpan<Float>, _ f: inout MutableSpan<Float>,
        _ body: (
            UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?,
            UnsafeMutablePointer<Float>?, UnsafeMutablePointer<Float>?,
            UnsafeMutablePointer<Float>?
        ) -> Void
    ) {
        unsafe a.withUnsafeBufferPointer { a in
            unsafe b.withUnsafeBufferPointer { b in
                unsafe c.withUnsafeBufferPointer { c in
                    unsafe d.withUnsafeMutableBufferPointer { d in
                        unsafe e.withUnsafeMutableBufferPointer { e in
                            unsafe f.withUnsafeMutableBufferPointer { f in
                                unsafe body(
                                    a.baseAddress, b.baseAddress, c.baseAddress, d.baseAddress,
                                    e.baseAddress, f.baseAddress)
                            }
                        }
                    }
                }
            }
        }
    }
}
