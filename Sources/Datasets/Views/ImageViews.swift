public import Tensors

extension ImageDataset {
    /// Random views: crop, flip, bilinear resize, normalisation, one view of each sample.
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
        return views(indices, height: settings.height, width: settings.width) { index in
            let crop = draw.crop(sample: index, view: view)
            return taps(of: crop, settings: settings)
        }
    }

    /// Views for evaluation: the whole image, normalised, resized if the size asked for differs.
    ///
    /// - Parameters:
    ///   - height: rows of a view; the image's own by default.
    ///   - width: columns of a view; the image's own by default.
    /// - Returns: `[indices.count, channels, height, width]`.
    public func plainViews(_ indices: [Int], height: Int? = nil, width: Int? = nil) -> Tensor {
        let settings = ViewSettings(
            height: height ?? self.height, width: width ?? self.width, padding: .edge,
            antialias: true)
        let whole = taps(of: .whole, settings: settings)
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

    private func views(
        _ indices: [Int], height: Int, width: Int,
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
                let deviation = statistics.deviation[channel]
                resampler.resample(
                    pixels.span, offset: offset + channel * plane, width: self.width,
                    horizontal: horizontal, vertical: vertical, scale: 1 / (255 * deviation),
                    shift: -statistics.mean[channel] / deviation, into: &output,
                    at: (row * channels + channel) * height * width)
            }
        }
        return result
    }
}
