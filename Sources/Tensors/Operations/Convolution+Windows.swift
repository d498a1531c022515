import Buffers
import Kernels

/// A convolution of any windows: they are unfolded, a block at a time, and multiplied.
///
/// Windows of 1x1 that lie side by side are the images themselves: nothing is unfolded then.
struct WindowConvolution: ConvolutionAlgorithm {
    /// The most floats of unfolded windows at a time, 512 KiB: they stay in a second-level cache.
    static let unfoldedMax = 128 << 10

    let shape: ConvolutionShape

    /// Whether the windows are the images themselves.
    private var isPlain: Bool {
        let w = shape.windows
        return w.kernelHeight == 1 && w.kernelWidth == 1 && w.stride == 1 && w.padding == 0
    }

    private var outputs: Int { shape.outputs }
    private var length: Int { shape.windows.windowCount }

    /// All windows, so many at a time.
    private var blocks: [Range<Int>] {
        let size = max(4, Self.unfoldedMax / length / 4 * 4)
        return stride(from: 0, to: shape.windowCount, by: size).map {
            $0..<min(shape.windowCount, $0 + size)
        }
    }

    func forward(_ x: Tensor, _ weight: Tensor, into y: inout Tensor, _ pool: BufferPool) {
        let rows = channelsLast(weight, pool)
        let count = PanelProduct.floatCount(rows: length, columns: outputs)
        var packed = Tensor(uninitialized: [count], pool: pool)
        var panels = packed.mutableSpan
        PanelProduct.packTransposed(rows.span, rows: length, columns: outputs, into: &panels)
        var result = y.mutableSpan
        for block in blocks {
            let windows = windows(of: x, block, pool)
            var c = result._mutatingExtracting(part(block))
            PanelProduct.multiply(
                m: block.count, n: outputs, k: length, a: windows.span, panels: packed.span,
                c: &c)
        }
    }

    @_lifetime(dWeight: copy dWeight)
    func weightGradient(
        _ x: Tensor, _ gradient: borrowing Tensor, into dWeight: inout MutableSpan<Float>,
        _ pool: BufferPool
    ) {
        var total = Tensor(uninitialized: [length, outputs], pool: pool)
        var sum = total.mutableSpan
        Vector.fill(&sum, with: 0)
        for block in blocks {
            let windows = windows(of: x, block, pool)
            let packed = packed(
                gradient.span.extracting(part(block)), rows: block.count, columns: outputs, pool)
            shape.windows.addWeightGradient(
                windows.span, panels: packed.span, outputs: outputs, to: &sum)
        }
        let (channels, area) = (shape.windows.channels, length / shape.windows.channels)
        Blocks.gather(
            total.span, extents: [outputs, channels, area],
            strides: [1, outputs, channels * outputs], into: &dWeight)
    }

    @_lifetime(dx: copy dx)
    func inputGradient(
        _ weight: Tensor, _ gradient: borrowing Tensor, into dx: inout MutableSpan<Float>,
        _ pool: BufferPool
    ) {
        let rows = channelsLast(weight, pool)
        let packed = packed(rows.span, rows: outputs, columns: length, pool)
        if isPlain {
            return PanelProduct.multiply(
                m: shape.windowCount, n: length, k: outputs, a: gradient.span,
                panels: packed.span, c: &dx)
        }
        Vector.fill(&dx, with: 0)
        for block in blocks {
            var windows = Tensor(uninitialized: [block.count, length], pool: pool)
            var c = windows.mutableSpan
            PanelProduct.multiply(
                m: block.count, n: length, k: outputs, a: gradient.span.extracting(part(block)),
                panels: packed.span, c: &c)
            shape.windows.fold(windows.span, block, addingTo: &dx)
        }
    }

    /// Some windows as rows, `[block, length]`.
    private func windows(of x: Tensor, _ block: Range<Int>, _ pool: BufferPool) -> Tensor {
        if isPlain { return x.reshaped([shape.windowCount, length]).rows(block) }
        var rows = Tensor(uninitialized: [block.count, length], pool: pool)
        var span = rows.mutableSpan
        shape.windows.unfold(x.span, block, into: &span)
        return rows
    }

    /// Where the outputs of some windows lie.
    private func part(_ block: Range<Int>) -> Range<Int> {
        (block.lowerBound * outputs)..<(block.upperBound * outputs)
    }

    private func packed(
        _ b: Span<Float>, rows: Int, columns: Int, _ pool: BufferPool
    ) -> Tensor {
        let count = PanelProduct.floatCount(rows: rows, columns: columns)
        var result = Tensor(uninitialized: [count], pool: pool)
        var panels = result.mutableSpan
        PanelProduct.pack(b, rows: rows, columns: columns, into: &panels)
        return result
    }

    /// `[out, C, kh, kw]` as `[out, kh, kw, C]`, the order of an unfolded window.
    private func channelsLast(_ weight: Tensor, _ pool: BufferPool) -> Tensor {
        let (channels, area) = (shape.windows.channels, length / shape.windows.channels)
        if area == 1 { return weight }
        var rows = Tensor(uninitialized: [outputs, length], pool: pool)
        var span = rows.mutableSpan
        Blocks.gather(
            weight.span, extents: [outputs, area, channels], strides: [length, 1, area],
            into: &span)
        return rows
    }
}
