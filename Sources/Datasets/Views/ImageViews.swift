public import Tensors

extension ImageDataset {
    /// Random views: crop, flip, bilinear resize, colours, blur, normalisation, one view of each
    /// sample.
    ///
    /// A view is a function of (seed, data epoch, sample, view) alone, never of the order, the
    /// batch or the worker (design section 2, point 3).
    ///
    /// - Parameters:
    ///   - indices: samples, in output order.
    ///   - view: number of the view where a method takes several of a sample.
    /// - Returns: `[indices.count, channels, settings.height, settings.width]`.
    public func randomResizedCropFlip(
        _ indices: [Int], dataEpoch: Int, view: Int = 0, seed: UInt64, settings: ViewSettings
    ) -> Tensor {
        let draw = CropDraw(
            settings: settings, seed: seed, dataEpoch: dataEpoch, imageHeight: height,
            imageWidth: width)
        let isPlain = settings.jitter == .none && settings.blur.probability == 0
        var result = views(
            indices, height: settings.height, width: settings.width, isNormalised: isPlain
        ) { index in
            let crop = draw.crop(sample: index, view: view)
            return taps(of: crop, settings: settings)
        }
        guard !isPlain else { return result }
        for (row, index) in indices.enumerated() {
            let change = ColourChange(
                settings.jitter, seed: seed, dataEpoch: dataEpoch, sample: index, view: view)
            let deviation = settings.blur.deviation(
                seed: seed, dataEpoch: dataEpoch, sample: index, view: view)
            recolour(&result, row, change, deviation.map(GaussianKernel.init(deviation:)))
        }
        return result
    }

    /// Changes the colours of one view, whose values lie in 0...1, blurs and normalises it.
    private func recolour(
        _ views: inout Tensor, _ row: Int, _ change: ColourChange, _ blur: GaussianKernel?
    ) {
        let (height, width) = (views.shape[2], views.shape[3])
        let plane = height * width
        var all = views.mutableSpan
        var image = all._mutatingExtracting(
            (row * channels * plane)..<((row + 1) * channels * plane))
        change.apply(to: &image, channels: channels)
        for channel in 0..<channels {
            var part = image._mutatingExtracting((channel * plane)..<((channel + 1) * plane))
            blur?.apply(to: &part, height: height, width: width)
            let (mean, deviation) = (statistics.mean[channel], statistics.deviation[channel])
            for index in 0..<part.count { part[index] = (part[index] - mean) / deviation }
        }
    }

    /// Views for evaluation: the whole image, normalised, resized if the size asked for differs.
    ///
    /// - Parameters:
    ///   - height: rows of a view; the image's own by default.
    ///   - width: columns of a view; the image's own by default.
    ///   - mirrored: whether left and right change places.
    /// - Returns: `[indices.count, channels, height, width]`.
    public func plainViews(
        _ indices: [Int], height: Int? = nil, width: Int? = nil, mirrored: Bool = false
    ) -> Tensor {
        let settings = ViewSettings(
            height: height ?? self.height, width: width ?? self.width, padding: .edge,
            antialias: true)
        var crop = CropGeometry.whole
        crop.flipped = mirrored
        let whole = taps(of: crop, settings: settings)
        return views(indices, height: settings.height, width: settings.width) { _ in whole }
    }

    private func taps(
        of crop: CropGeometry, settings: ViewSettings
    ) -> (horizontal: AxisTaps, vertical: AxisTaps) {
        let step = crop.width * Float(width) / Float(settings.width)
        let left = crop.left * Float(width)
        let begin = crop.flipped ? left + crop.width * Float(width) : left
        return (
            axis(
                begin: begin, step: crop.flipped ? -step : step, count: settings.width,
                size: width, settings),
            axis(
                begin: crop.top * Float(height),
                step: crop.height * Float(height) / Float(settings.height),
                count: settings.height, size: height, settings)
        )
    }

    private func axis(
        begin: Float, step: Float, count: Int, size: Int, _ settings: ViewSettings
    ) -> AxisTaps {
        settings.antialias && abs(step) > 1
            ? AxisTaps(antialiased: begin, step: step, count: count, size: size)
            : AxisTaps(
                begin: begin, step: step, count: count, size: size, padding: settings.padding)
    }

    /// - Parameter isNormalised: whether values are normalised; otherwise they lie in 0...1.
    private func views(
        _ indices: [Int], height: Int, width: Int, isNormalised: Bool = true,
        _ taps: (Int) -> (horizontal: AxisTaps, vertical: AxisTaps)
    ) -> Tensor {
        var result = Tensor(uninitialized: [indices.count, channels, height, width])
        var output = result.mutableSpan
        var resampler = Resampler()
        let plane = self.height * self.width
        for (row, index) in indices.enumerated() {
            precondition((0..<count).contains(index), "\(name): sample \(index) of \(count)")
            let (horizontal, vertical) = taps(index)
            let offset = pixelOffset(of: index)
            for channel in 0..<channels {
                let deviation = isNormalised ? statistics.deviation[channel] : 1
                let mean = isNormalised ? statistics.mean[channel] : 0
                resampler.resample(
                    pixels.span, offset: offset + channel * plane, width: self.width,
                    horizontal: horizontal, vertical: vertical, scale: 1 / (255 * deviation),
                    shift: -mean / deviation, into: &output,
                    at: (row * channels + channel) * height * width)
            }
        }
        return result
    }
}
