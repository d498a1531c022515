import Buffers

// Convolutions, pooling and batch norms, over channels with and without a tail.
extension Canary {
    mutating func addImages() {
        addWindows()
        addWinograd()
        for (count, channels) in [(42, 2), (130, 19)] { addChannels(count, channels) }
    }

    private mutating func addWindows() {
        for channels in [2, 8] {
            let windows = ConvolutionWindows(
                height: 7, width: 6, channels: channels, kernelHeight: 3, kernelWidth: 3,
                stride: 2, padding: 1)
            let count = 2 * windows.outArea
            let images = Self.inputs(2 * windows.imageCount, seed: 12)
            let rows = Self.inputs(count * windows.windowCount, seed: 24)
            add(rows.count) { windows.unfold(images.span, 0..<count, into: &$0) }
            add(images.count) {
                Vector.fill(&$0, with: 0)
                windows.fold(rows.span, 0..<count, addingTo: &$0)
            }
            let gradients = Self.inputs(count * 19, seed: 29)
            var panels = [Float](
                repeating: 0, count: PanelProduct.floatCount(rows: count, columns: 19))
            var packed = panels.mutableSpan
            PanelProduct.pack(gradients.span, rows: count, columns: 19, into: &packed)
            add(windows.windowCount * 19) {
                Vector.fill(&$0, with: 0.5)
                windows.addWeightGradient(
                    rows.span, panels: panels.span, outputs: 19, to: &$0)
            }
            var maxima = [Float](repeating: 0, count: count * channels)
            var span = maxima.mutableSpan
            windows.maxima(images.span, into: &span)
            add(maxima)
            add(images.count) {
                Vector.fill(&$0, with: 0)
                windows.maximaGradient(
                    images.span, maxima: maxima.span,
                    gradient: rows.span.extracting(0..<maxima.count), addingTo: &$0)
            }
        }
    }

    private mutating func addWinograd() {
        let convolution = WinogradConvolution(
            images: 3, height: 7, width: 18, inputs: 8, outputs: 32)
        let x = Self.inputs(3 * 7 * 18 * 8, seed: 26)
        let g = Self.inputs(3 * 7 * 18 * 32, seed: 27)
        let w = Self.inputs(8 * 32 * 9, seed: 28)
        let scratch = [Float](
            repeating: 0,
            count: max(convolution.scratchCount, convolution.weightGradientScratchCount))
        for direction in [WinogradConvolution.Direction.forward, .backward] {
            add(g.count) {
                var memory = scratch
                var room = memory.mutableSpan
                convolution.convolve(x.span, weight: w.span, direction, into: &$0, scratch: &room)
            }
        }
        add(w.count) {
            var memory = scratch
            var room = memory.mutableSpan
            convolution.weightGradient(x.span, gradient: g.span, into: &$0, scratch: &room)
        }
    }

    private mutating func addChannels(_ count: Int, _ width: Int) {
        let channels = Channels(count: count, channels: width)
        let (x, r) = (Self.inputs(count * width, seed: 13), Self.inputs(count * width, seed: 14))
        let (a, b) = (Self.inputs(width, seed: 15), Self.inputs(width, seed: 16))
        var (means, variances) = (a, b)
        var mean = means.mutableSpan
        var variance = variances.mutableSpan
        channels.statistics(x.span, means: &mean, variances: &variance)
        var y = x
        var value = y.mutableSpan
        channels.normalize(
            x.span, means: means.span, scale: a.span, bias: b.span, residual: r.span,
            isRectified: true, into: &value)
        var (g, sums, products) = (r, a, b)
        var gradient = g.mutableSpan
        var sum = sums.mutableSpan
        var product = products.mutableSpan
        channels.normalizeSums(
            x.span, means: means.span, rectified: y.span, gradient: &gradient, sums: &sum,
            products: &product)
        for values in [means, variances, y, g, sums, products] { add(values) }
        add(x.count) {
            channels.normalizeGradient(
                x.span, means: means.span, scale: a.span, shift: b.span, slope: sums.span,
                gradient: g.span, into: &$0)
        }
    }
}
