import Buffers
import CWideKernels

/// Scaled dot-product self-attention on the packed projections of a transformer.
///
/// The projections are `[B, T, 3 C]` with C = heads headWidth: query, key and value behind each
/// other, and within each of them head behind head, as timm packs them. Small heads are computed
/// by `LaneProduct`, large ones in panels; both give the same bits, sums from first to last.
@safe public struct Attention: Sendable {
    /// The number of sequences.
    public let batch: Int
    /// The length of a sequence, T.
    public let tokens: Int
    /// The number of heads.
    public let heads: Int
    /// The width of one head.
    public let headWidth: Int
    /// Whether a token attends to itself and the tokens before it alone.
    ///
    /// What lies behind it gets the probability 0, exactly, and so neither weight nor gradient.
    public let isCausal: Bool

    /// Makes the attention of a shape.
    public init(batch: Int, tokens: Int, heads: Int, headWidth: Int, isCausal: Bool = false) {
        precondition(batch >= 0 && tokens > 0 && heads > 0 && headWidth > 0, "attention shape")
        self.batch = batch
        self.tokens = tokens
        self.heads = heads
        self.headWidth = headWidth
        self.isCausal = isCausal
    }

    /// Up to this many elements in a head's query no panels are made: measured on one core, that
    /// gains a tenth at 65 x 64 and loses a tenth at 197 x 64.
    public static let ownLoopsMax = 128 * 64

    /// T rounded up: the length of a row of probabilities; what is past T is 0.
    ///
    /// To whole registers, and to 16 columns for panels.
    public var paddedTokens: Int {
        let step = isSmall && !WideRegisters.areThere ? 8 : 16
        return (tokens + step - 1) / step * step
    }
    /// The floats that `forward` keeps for the gradient: `[B, heads, T, paddedTokens]`.
    public var probabilityCount: Int { batch * heads * tokens * paddedTokens }
    /// The floats that a call needs beside: one head's transposed keys, its score gradients, and
    /// the right factor of a product in panels.
    public var scratchCount: Int { (headWidth + tokens) * paddedTokens + panelCount }
    /// The floats of the larger right factor in panels; none where no panels are made.
    private var panelCount: Int {
        isSmall
            ? 0
            : max(
                PanelProduct.floatCount(rows: headWidth, columns: paddedTokens),
                PanelProduct.floatCount(rows: tokens, columns: headWidth))
    }

    private var width: Int { heads * headWidth }
    private var isSmall: Bool { tokens * headWidth <= Self.ownLoopsMax }
    private var scale: Float { 1 / Float(headWidth).squareRoot() }

    /// out = softmax(Q K^T / sqrt(headWidth)) V of every head; causal attention has the softmax of
    /// the scores on and below the diagonal.
    ///
    /// - Parameters:
    ///   - projections: `[B, T, 3 C]`.
    ///   - out: `[B, T, C]`.
    ///   - probabilities: `probabilityCount` floats, kept for the gradient.
    ///   - scratch: `scratchCount` floats.
    @_lifetime(out: copy out) @_lifetime(probabilities: copy probabilities)
    @_lifetime(scratch: copy scratch)
    public func forward(
        _ projections: Span<Float>, into out: inout MutableSpan<Float>,
        probabilities: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
    ) {
        check(projections.count, out.count, probabilities.count, scratch.count)
        unsafe projections.withUnsafeBufferPointer { projections in
            unsafe out.withUnsafeMutableBufferPointer { out in
                unsafe probabilities.withUnsafeMutableBufferPointer { probabilities in
                    unsafe scratch.withUnsafeMutableBufferPointer { scratch in
                        guard let qkv = projections.baseAddress, let y = out.baseAddress,
                            let p = probabilities.baseAddress, let s = scratch.baseAddress
                        else { return }
                        for head in 0..<(batch * heads) {
                            unsafe forward(head, qkv, y, p, s)
                        }
                    }
                }
            }
        }
    }

    /// The gradient of `forward` with respect to the projections.
    ///
    /// - Parameters:
    ///   - projections: as for `forward`.
    ///   - probabilities: as `forward` left them.
    ///   - gradient: `[B, T, C]`, of the result.
    ///   - dProjections: `[B, T, 3 C]`.
    ///   - scratch: `scratchCount` floats.
    @_lifetime(dProjections: copy dProjections) @_lifetime(scratch: copy scratch)
    public func gradient(
        _ projections: Span<Float>, probabilities: Span<Float>, gradient: Span<Float>,
        into dProjections: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
    ) {
        check(projections.count, gradient.count, probabilities.count, scratch.count)
        precondition(dProjections.count == projections.count, "attention: counts differ")
        unsafe projections.withUnsafeBufferPointer { projections in
            unsafe probabilities.withUnsafeBufferPointer { probabilities in
                unsafe gradient.withUnsafeBufferPointer { gradient in
                    unsafe dProjections.withUnsafeMutableBufferPointer { result in
                        unsafe scratch.withUnsafeMutableBufferPointer { scratch in
                            guard let qkv = projections.baseAddress,
                                let p = probabilities.baseAddress,
                                let g = gradient.baseAddress, let d = result.baseAddress,
                                let s = scratch.baseAddress
                            else { return }
                            for head in 0..<(batch * heads) {
                                unsafe backward(head, qkv, p, g, d, s)
                            }
                        }
                    }
                }
            }
        }
    }

    private func forward(
        _ head: Int, _ qkv: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>,
        _ probabilities: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
    ) {
        let (row, padded, scale) = (3 * width, paddedTokens, scale)
        let q = unsafe qkv + start(head, row)
        let p = unsafe probabilities + head * tokens * padded
        let y = unsafe out + start(head, width)
        unsafe transpose(q + width, row, into: scratch)
        unsafe product(
            tokens, padded, headWidth, q, row, 1, scratch, padded, p, padded, scratch)
        for token in 0..<tokens {
            let visible = isCausal ? token + 1 : tokens
            unsafe softmax(p + token * padded, padded, visible: visible, scale: scale)
        }
        unsafe product(
            tokens, headWidth, tokens, p, padded, 1, q + 2 * width, row, y, width, scratch)
    }

    private func backward(
        _ head: Int, _ qkv: UnsafePointer<Float>, _ probabilities: UnsafePointer<Float>,
        _ gradient: UnsafePointer<Float>, _ result: UnsafeMutablePointer<Float>,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        let (row, padded, scale) = (3 * width, paddedTokens, scale)
        let q = unsafe qkv + start(head, row)
        let p = unsafe probabilities + head * tokens * padded
        let g = unsafe gradient + start(head, width)
        let dq = unsafe result + start(head, row)
        let scores = unsafe scratch + headWidth * padded
        // dV = P^T g
        unsafe product(
            tokens, headWidth, tokens, p, 1, padded, g, width, dq + 2 * width, row,
            scratch)
        // dP = g V^T, then dS = scale P (dP - sum(P dP)): 0 where a causal P is
        unsafe transpose(q + 2 * width, row, into: scratch)
        unsafe product(
            tokens, padded, headWidth, g, width, 1, scratch, padded, scores, padded,
            scratch)
        for token in 0..<tokens {
            unsafe softmaxGradient(
                p + token * padded, scores + token * padded, padded, scale: scale)
        }
        // dQ = dS K, dK = dS^T Q
        unsafe product(
            tokens, headWidth, tokens, scores, padded, 1, q + width, row, dq, row, scratch)
        unsafe product(
            tokens, headWidth, tokens, scores, 1, padded, q, row, dq + width, row, scratch)
    }

    /// Where a head's part begins in a matrix whose rows, one for each token, are `row` apart.
    private func start(_ head: Int, _ row: Int) -> Int {
        head / heads * tokens * row + head % heads * headWidth
    }

    private func product(
        _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, _ rowA: Int, _ columnA: Int,
        _ b: UnsafePointer<Float>, _ rowB: Int, _ c: UnsafeMutablePointer<Float>, _ rowC: Int,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        if isSmall {
            unsafe LaneProduct(m: m, n: n, k: k)(
                a, rowA: rowA, columnA: columnA, b, rowB: rowB, into: c, rowC: rowC)
        } else {
            let panels = unsafe scratch + (headWidth + tokens) * paddedTokens
            let blocks = PanelBlocks(
                m: m, n: n, k: k, rowA: rowA, columnA: columnA, rowC: rowC)
            unsafe PanelBlocks.pack(b, rows: k, columns: n, stride: rowB, into: panels)
            unsafe blocks.multiply(a, panels, bias: nil, isAdded: false, into: c)
        }
    }

    /// One head's rows as columns, with zeros past the last token.
    @inline(__always)
    private func transpose(
        _ x: UnsafePointer<Float>, _ row: Int, into y: UnsafeMutablePointer<Float>
    ) {
        let padded = paddedTokens
        unsafe Transpose(rows: tokens, columns: headWidth)(x, row, into: y, padded)
        for feature in 0..<headWidth {
            for token in tokens..<padded { unsafe y[feature &* padded &+ token] = 0 }
        }
    }

    /// The softmax of one row of `padded` scores times `scale`, in place; zeros past the visible
    /// tokens.
    ///
    /// A function of its own: inlined in a large one, `exp` would stay a call for each register.
    @inline(never)
    private func softmax(
        _ p: UnsafeMutablePointer<Float>, _ padded: Int, visible: Int, scale: Float
    ) {
        let raw = UnsafeMutableRawPointer(p)
        let lanes = padded / 8
        for token in visible..<padded { unsafe p[token] = -.infinity }
        guard !WideRegisters.areThere else { return unsafe wide_softmax(p, padded, scale) }
        var best = Lanes(repeating: -.infinity)
        for lane in 0..<lanes {
            let start = lane &* 8
            let value = unsafe raw.loadUnaligned(fromByteOffset: start &* 4, as: Lanes.self)
            best = LaneMath.maximum(best, value)
        }
        let shift = Lanes(repeating: LaneMath.maximum(best))
        var total = Lanes(repeating: 0)
        for lane in 0..<lanes {
            let start = lane &* 8
            let value = unsafe raw.loadUnaligned(fromByteOffset: start &* 4, as: Lanes.self)
            let power = LaneMath.exp((value - shift) * scale)
            total += power
            unsafe raw.storeBytes(of: power, toByteOffset: start &* 4, as: Lanes.self)
        }
        let factor = 1 / LaneMath.sum(total)
        for lane in 0..<lanes {
            let start = lane &* 8
            let value = unsafe raw.loadUnaligned(fromByteOffset: start &* 4, as: Lanes.self)
            unsafe raw.storeBytes(of: value * factor, toByteOffset: start &* 4, as: Lanes.self)
        }
    }

    /// The gradient of one row of scores, over the gradient of its probabilities.
    @inline(never)
    private func softmaxGradient(
        _ p: UnsafePointer<Float>, _ g: UnsafeMutablePointer<Float>, _ padded: Int, scale: Float
    ) {
        guard !WideRegisters.areThere else {
            return unsafe wide_softmax_gradient(p, g, padded, scale)
        }
        let (from, to) = unsafe (UnsafeRawPointer(p), UnsafeMutableRawPointer(g))
        let lanes = padded / 8
        var inner = Lanes(repeating: 0)
        for lane in 0..<lanes {
            let start = lane &* 8
            let a = unsafe from.loadUnaligned(fromByteOffset: start &* 4, as: Lanes.self)
            let b = unsafe to.loadUnaligned(fromByteOffset: start &* 4, as: Lanes.self)
            inner = inner.addingProduct(a, b)
        }
        let mean = Lanes(repeating: LaneMath.sum(inner))
        for lane in 0..<lanes {
            let start = lane &* 8
            let a = unsafe from.loadUnaligned(fromByteOffset: start &* 4, as: Lanes.self)
            let b = unsafe to.loadUnaligned(fromByteOffset: start &* 4, as: Lanes.self)
            let value = a * (b - mean) * scale
            unsafe to.storeBytes(of: value, toByteOffset: start &* 4, as: Lanes.self)
        }
    }

    private func check(_ projections: Int, _ out: Int, _ probabilities: Int, _ scratch: Int) {
        precondition(
            projections == 3 * out && out == batch * tokens * width
                && probabilities == probabilityCount && scratch >= scratchCount,
            "attention: counts differ")
    }
}
