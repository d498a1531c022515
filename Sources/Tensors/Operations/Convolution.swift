import Kernels

/// A two-dimensional convolution (cross-correlation, as networks mean it).
///
/// The windows of a group of images are unfolded and multiplied in one matrix product; the group
/// is as large as 4 MiB of windows allow, by shape alone.
///
/// - Parameters:
///   - x: `[B, C, H, W]`.
///   - weight: `[out, C, kh, kw]`.
///   - bias: `[out]`, or `nil` for none.
///   - stride: how far windows move, at least 1.
///   - padding: zeros on each side.
/// - Returns: `[B, out, H', W']`.
public func convolution2d(
    _ x: Variable, weight: Variable, bias: Variable? = nil, stride: Int = 1, padding: Int = 0
) -> Variable {
    precondition(
        x.shape.rank == 4 && weight.shape.rank == 4 && x.shape[1] == weight.shape[1]
            && (bias.map { $0.shape == [weight.shape[0]] } ?? true),
        "convolution2d: x \(x.shape), weight \(weight.shape)")
    let windows = ConvolutionWindows(
        channels: x.shape[1], height: x.shape[2], width: x.shape[3],
        kernelHeight: weight.shape[2], kernelWidth: weight.shape[3], stride: stride,
        padding: padding)
    let convolution = Convolution(windows: windows, images: x.shape[0], outs: weight.shape[0])
    let tape = x.tape
    var value = tape.uninitialized(
        [x.shape[0], weight.shape[0], windows.outHeight, windows.outWidth])
    convolution.forward(x.value, weight.value, into: &value) { tape.uninitialized($0) }
    if let bias, x.shape[0] > 0 {
        var y = value.mutableSpan
        convolution.channels.add(bias.value.span, to: &y)
    }
    let inputs = bias.map { [x, weight, $0] } ?? [x, weight]
    return tape.record(value, from: inputs) { [bias = bias?.place] gradient, sums in
        if let bias, bias.needsGradient {
            var sum = sums.uninitialized(bias.shape)
            var span = sum.mutableSpan
            convolution.channels.sums(gradient.span, into: &span)
            sums.add(sum, to: bias)
        }
        if weight.needsGradient {
            var result = sums.uninitialized(weight.shape)
            convolution.weightGradient(x.value, gradient, into: &result) { [pool = sums.pool] in
                Tensor(uninitialized: $0, pool: pool)
            }
            sums.add(result, to: weight.place)
        }
        if x.needsGradient {
            var result = sums.uninitialized(x.shape)
            convolution.inputGradient(weight.value, gradient, into: &result) { [pool = sums.pool] in
                Tensor(uninitialized: $0, pool: pool)
            }
            sums.add(result, to: x.place)
        }
    }
}

/// The three products of a convolution, group of images by group of images.
private struct Convolution {
    /// The most floats of unfolded windows at a time, 4 MiB: they stay in the cache.
    static let unfoldedMax = 1 << 20

    let windows: ConvolutionWindows
    let images: Int
    let outs: Int

    var channels: Channels {
        Channels(images: images, channels: outs, area: windows.outArea)
    }

    private var groups: [Range<Int>] {
        let size = max(1, Self.unfoldedMax / (windows.windowCount * windows.outArea))
        return stride(from: 0, to: images, by: size).map { $0..<min(images, $0 + size) }
    }

    func forward(
        _ x: Tensor, _ weight: Tensor, into y: inout Tensor, _ make: (Shape) -> Tensor
    ) {
        let (area, inner) = (windows.outArea, windows.windowCount)
        var output = y.mutableSpan
        for group in groups {
            let columnCount = group.count * area
            let columns = unfolded(x.rows(group), columnCount, make)
            var product = make([outs, columnCount])
            var c = product.mutableSpan
            sgemm(m: outs, n: columnCount, k: inner, a: weight.span, b: columns.span, c: &c)
            exchange(product.span, into: &output, group, isOutput: true)
        }
    }

    func weightGradient(
        _ x: Tensor, _ gradient: borrowing Tensor, into dw: inout Tensor,
        _ make: (Shape) -> Tensor
    ) {
        let (area, inner) = (windows.outArea, windows.windowCount)
        var c = dw.mutableSpan
        for (number, group) in groups.enumerated() {
            let columnCount = group.count * area
            let columns = unfolded(x.rows(group), columnCount, make)
            let g = gathered(gradient, group, make)
            sgemm(
                transB: .transposed, m: outs, n: inner, k: columnCount, a: g.span,
                b: columns.span, beta: number == 0 ? 0 : 1, c: &c)
        }
    }

    func inputGradient(
        _ weight: Tensor, _ gradient: borrowing Tensor, into dx: inout Tensor,
        _ make: (Shape) -> Tensor
    ) {
        let (area, inner) = (windows.outArea, windows.windowCount)
        var output = dx.mutableSpan
        for group in groups {
            let columnCount = group.count * area
            let g = gathered(gradient, group, make)
            var columns = make([inner, columnCount])
            var c = columns.mutableSpan
            sgemm(
                transA: .transposed, m: inner, n: columnCount, k: outs, a: weight.span, b: g.span,
                c: &c)
            var part = make([group.count, windows.imageCount])
            var image = part.mutableSpan
            windows.fold(columns.span, into: &image)
            Blocks.copy(part.span, into: &output, at: group.lowerBound * windows.imageCount)
        }
    }

    private func unfolded(_ x: Tensor, _ columnCount: Int, _ make: (Shape) -> Tensor) -> Tensor {
        var columns = make([windows.windowCount, columnCount])
        var span = columns.mutableSpan
        windows.unfold(x.span, into: &span)
        return columns
    }

    /// The gradients of a group of images as `[out, images area]`.
    private func gathered(
        _ gradient: borrowing Tensor, _ group: Range<Int>, _ make: (Shape) -> Tensor
    ) -> Tensor {
        var result = make([outs, group.count * windows.outArea])
        var span = result.mutableSpan
        exchange(gradient.span, into: &span, group, isOutput: false)
        return result
    }

    /// Between `[out, images area]` of a group and `[B, out, area]` of all images.
    @_lifetime(y: copy y)
    private func exchange(
        _ x: Span<Float>, into y: inout MutableSpan<Float>, _ group: Range<Int>, isOutput: Bool
    ) {
        let area = windows.outArea
        for (number, image) in group.enumerated() {
            for out in 0..<outs {
                let packed = (out * group.count + number) * area
                let spread = (image * outs + out) * area
                let (from, to) = isOutput ? (packed, spread) : (spread, packed)
                Blocks.copy(x, from: from, count: area, into: &y, at: to)
            }
        }
    }
}
