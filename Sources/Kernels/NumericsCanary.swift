import Buffers

/// The bits of small computations, by which processes tell whether they compute alike.
///
/// Every kernel and some matrix products run on fixed inputs, denormals, infinities and lengths
/// that leave a tail among them. The words are hashed into the numerics fingerprint of a run.
public enum NumericsCanary {
    /// The words of all computations, in a fixed order.
    public static func words() -> [UInt32] {
        var canary = Canary()
        canary.addProducts()
        canary.addFunctions()
        canary.addVectors()
        canary.addRows()
        canary.addAttention()
        canary.addImages()
        canary.addOptimizers()
        canary.addResize()
        canary.addRowLoops()
        canary.addClassification()
        canary.addMatches()
        return canary.words
    }
}

/// Gathers words; inputs come from a linear congruential sequence.
struct Canary {
    var words: [UInt32] = []

    /// Numbers in [-2, 2), the same for the same seed.
    static func inputs(_ count: Int, seed: UInt32) -> [Float] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(Int32(bitPattern: state) >> 8) * 0x1p-22
        }
    }

    /// Runs a kernel that fills `count` floats and folds their bits to eight words.
    mutating func add(_ count: Int, _ kernel: (inout MutableSpan<Float>) -> Void) {
        var result = [Float](repeating: 0, count: count)
        var span = result.mutableSpan
        kernel(&span)
        add(result)
    }

    mutating func add(_ result: [Float]) {
        var folded = [UInt32](repeating: 0x811c_9dc5, count: 8)
        for (index, value) in result.enumerated() {
            // One NaN counts as any other: its payload is no result.
            let bits = value.isNaN ? 0x7fc0_0000 : value.bitPattern
            folded[index % 8] = (folded[index % 8] ^ bits) &* 0x0100_0193
        }
        words += folded
    }

    mutating func addProducts() {
        for (m, n, k) in [(3, 5, 7), (64, 64, 64), (128, 192, 64), (512, 64, 256), (1, 300, 129)] {
            let a = Self.inputs(m * k, seed: 1)
            let b = Self.inputs(n * k, seed: 2)
            add(m * n) { sgemm(m: m, n: n, k: k, a: a.span, b: b.span, c: &$0) }
            add(m * n) {
                sgemm(transB: .transposed, m: m, n: n, k: k, a: a.span, b: b.span, c: &$0)
            }
            add(m * n) {
                Vector.fill(&$0, with: 0.5)
                sgemm(
                    transA: .transposed, m: m, n: n, k: k, a: a.span, b: b.span, beta: 1, c: &$0)
            }
            addPanelProducts(m, n, k, a, b)
        }
    }

    private mutating func addPanelProducts(
        _ m: Int, _ n: Int, _ k: Int, _ a: [Float], _ b: [Float]
    ) {
        let count = PanelProduct.floatCount(rows: k, columns: n)
        var panels = [Float](repeating: 0, count: count)
        var packed = panels.mutableSpan
        PanelProduct.pack(b.span, rows: k, columns: n, into: &packed)
        add(m * n) {
            PanelProduct.multiply(m: m, n: n, k: k, a: a.span, panels: panels.span, c: &$0)
        }
        add(m * n) {
            var scratch = [Float](
                repeating: 0, count: PanelProduct.layerGradientScratchCount(m: m, n: n, k: k))
            var sums: [Float] = []
            var room = scratch.mutableSpan
            var none = sums.mutableSpan
            PanelProduct.layerGradient(
                m: m, n: n, k: k, a: a.span, b: b.span, c: &$0, sums: &none, scratch: &room)
        }
        add(m * n) {
            Vector.fill(&$0, with: 0.5)
            PanelProduct.multiplyTransposed(
                m: m, n: n, k: k, a: a.span, panels: panels.span, isAdded: true, c: &$0)
        }
        packed = panels.mutableSpan
        PanelProduct.packTransposed(b.span, rows: k, columns: n, into: &packed)
        add(m * n) {
            PanelProduct.multiply(
                m: m, n: n, k: k, a: a.span, panels: panels.span, bias: b.span.extracting(0..<n),
                c: &$0)
        }
    }

    mutating func addFunctions() {
        let tiny: [Float] = [
            0, -0.0, .leastNonzeroMagnitude, 0x1p-140, -0x1p-130, .leastNormalMagnitude,
            .infinity, -.infinity, .nan, .greatestFiniteMagnitude, 1, -1, 100, -100, 88.7, -87.4,
            -103.5, 1e-20, 65_536.25, 1e9, 3e9,
        ]
        let x = tiny + Self.inputs(200, seed: 3) + Self.inputs(200, seed: 4).map { $0 * 40 }
        add(x.count) { Vector.exp(x.span, into: &$0) }
        add(x.count) { Vector.log(x.span, into: &$0) }
        add(x.count) { Vector.sin(x.span, into: &$0) }
        add(x.count) { Vector.cos(x.span, into: &$0) }
        add(x.count) { Vector.tanh(x.span, into: &$0) }
        add(x.count) { Vector.erf(x.span, into: &$0) }
        add(x.count) { Vector.sigmoid(x.span, into: &$0) }
        add(x.count) { Vector.squareRoot(x.span, into: &$0) }
        add(x.count) { Vector.relu(x.span, into: &$0) }
        add(x.count) { Vector.gelu(x.span, into: &$0) }
        var slope = [Float](repeating: 0, count: x.count)
        add(x.count) { value in
            var derivative = slope.mutableSpan
            Vector.gelu(x.span, into: &value, derivative: &derivative)
        }
        add(slope)
        addConversions(x)
    }

    private mutating func addConversions(_ x: [Float]) {
        var rounded = x
        var span = rounded.mutableSpan
        Vector.roundToBFloat16(&span)
        add(rounded)
        var halves = [UInt16](repeating: 0, count: x.count)
        var packed = halves.mutableSpan
        Vector.packBFloat16(x.span, into: &packed)
        add(x.count) { Vector.unpackBFloat16(halves.span, into: &$0) }
    }

    mutating func addVectors() {
        let x = Self.inputs(77, seed: 5)
        let y = Self.inputs(77, seed: 6).map { $0 * 0x1p-126 }
        add(77) { Vector.add(x.span, y.span, into: &$0) }
        add(77) { Vector.subtract(y.span, x.span, into: &$0) }
        add(77) { Vector.multiply(x.span, y.span, into: &$0) }
        add(77) { Vector.divide(y.span, x.span, into: &$0) }
        add(77) { Vector.scale(y.span, by: 0.37, into: &$0) }
        add(77) { Vector.axpy(0.3, x.span, into: &$0) }
        add(77) { Vector.blend(&$0, by: 0.9, with: y.span, by: 0.1) }
        add(77) { Vector.reluGradient(x.span, y.span, into: &$0) }
        add(77) { Vector.oneMinusSquare(x.span, into: &$0) }
        add(77) { Vector.timesOneMinus(x.span, into: &$0) }
        add([
            Vector.dot(x.span, x.span), Vector.sum(x.span), Vector.sumOfSquares(y.span),
            Vector.maximum(x.span),
        ])
    }

    mutating func addRows() {
        let x = Self.inputs(6 * 37, seed: 7)
        let g = Self.inputs(6 * 37, seed: 8)
        let w = Self.inputs(37, seed: 9)
        var softmax = [Float](repeating: 0, count: x.count)
        var span = softmax.mutableSpan
        Rows.softmax(x.span, width: 37, into: &span)
        add(softmax)
        add(x.count) { Rows.softmaxGradient(softmax.span, g.span, width: 37, into: &$0) }
        add(6) { Rows.logSumExp(x.span, width: 37, into: &$0) }
        add(x.count) {
            Rows.logSumExpGradient(
                x.span, w.span.extracting(0..<6), w.span.extracting(6..<12), width: 37, into: &$0)
        }
        add(37) { Rows.columnSums(x.span, into: &$0) }
        add(6) { Rows.means(x.span, width: 37, into: &$0) }
        add(2 * 37) { Rows.groupMeans(x.span, group: 3, width: 37, into: &$0) }
        add(6 * 37) { Rows.spreadMeans(w.span, group: 6, width: 37, into: &$0) }
        addLayerNorm(x, g, w)
        var lengths = [Float](repeating: 0, count: 6)
        var unit = [Float](repeating: 0, count: x.count)
        var row = unit.mutableSpan
        var size = lengths.mutableSpan
        Rows.normalize(x.span, width: 37, epsilon: 1e-12, into: &row, lengths: &size)
        add(unit)
        add(lengths)
        add(x.count) {
            Rows.normalizeGradient(
                unit.span, lengths: lengths.span, gradient: g.span, width: 37, epsilon: 1e-12,
                into: &$0)
        }
    }

    private mutating func addLayerNorm(_ x: [Float], _ g: [Float], _ w: [Float]) {
        var (y, dx) = (x, x)
        var (means, inverses) = ([Float](repeating: 0, count: 6), [Float](repeating: 0, count: 6))
        var (dw, db) = (w, w)
        var value = y.mutableSpan
        var mean = means.mutableSpan
        var inverse = inverses.mutableSpan
        Rows.layerNorm(
            x.span, weight: w.span, bias: w.span, epsilon: 1e-6, into: &value, means: &mean,
            inverses: &inverse)
        var result = dx.mutableSpan
        var weight = dw.mutableSpan
        var bias = db.mutableSpan
        Rows.layerNormGradient(
            x.span, weight: w.span, means: means.span, inverses: inverses.span, gradient: g.span,
            into: &result, dWeight: &weight, dBias: &bias)
        for values in [y, means, inverses, dx, dw, db] { add(values) }
    }

    mutating func addAttention() {
        // Heads that own loops compute, with a tail of tokens and features, one in panels.
        for (tokens, headWidth) in [(16, 16), (13, 9), (130, 64)] {
            let attention = Attention(batch: 1, tokens: tokens, heads: 2, headWidth: headWidth)
            let width = 2 * headWidth
            let qkv = Self.inputs(tokens * 3 * width, seed: 10)
            let g = Self.inputs(tokens * width, seed: 11)
            var y = g
            var p = [Float](repeating: 0, count: attention.probabilityCount)
            var scratch = [Float](repeating: 0, count: attention.scratchCount)
            var value = y.mutableSpan
            var probabilities = p.mutableSpan
            var room = scratch.mutableSpan
            attention.forward(
                qkv.span, into: &value, probabilities: &probabilities, scratch: &room)
            add(y)
            add(p)
            add(qkv.count) {
                var room = scratch.mutableSpan
                attention.gradient(
                    qkv.span, probabilities: p.span, gradient: g.span, into: &$0, scratch: &room)
            }
        }
    }

    mutating func addOptimizers() {
        let g = Self.inputs(45, seed: 17)
        var p = Self.inputs(45, seed: 18)
        var first = Self.inputs(45, seed: 19)
        var second = first.map { $0 * $0 }
        var value = p.mutableSpan
        var m = first.mutableSpan
        var v = second.mutableSpan
        let step = OptimizerLoops.AdamWStep(
            keep: 0.9999, beta1: 0.9, beta2: 0.999, stepSize: 0.003, rootCorrection: 0.3,
            epsilon: 1e-8)
        OptimizerLoops.adamW(&value, gradient: g.span, first: &m, second: &v, step: step)
        for values in [p, first, second] { add(values) }
        for nesterov in [false, true] {
            var value = p.mutableSpan
            var m = first.mutableSpan
            OptimizerLoops.sgdMomentum(
                &value, gradient: g.span, momentum: &m, rate: 0.1, decay: 0.01, momentum: 0.9,
                nesterov: nesterov)
            for values in [p, first] { add(values) }
        }
    }

    /// A resize from 11 to 13 places, two lines blended.
    mutating func addResize() {
        let pixels = Self.inputs(22, seed: 20).map { UInt8(($0 + 2) * 63) }
        let first = (0..<13).map { $0 * 10 / 13 }
        let weights = Self.inputs(26, seed: 21)
        var lines = [Float](repeating: 0, count: 26)
        for line in 0..<2 {
            var span = lines.mutableSpan
            readLine(
                pixels.span, at: 11 * line, first: first.span, weights: weights.span, taps: 2,
                into: &span, at: 13 * line)
        }
        add(lines)
        add(13) {
            combineLines(
                lines.span, at: 0, width: 13, weights: weights.span.extracting(0..<2), shift: -0.8,
                into: &$0, at: 0)
        }
    }
}
