internal import Kernels

/// Reads one plane of bytes through horizontal and vertical taps, scaled and shifted.
///
/// First the rows that are needed are resampled to the output width, then they are combined.
/// Keeps its row memory between images.
struct Resampler {
    private var rows: [Float] = []
    private var scaled: [Float] = []

    /// Writes `scale * resampled + shift` of one plane.
    ///
    /// - Parameters:
    ///   - pixels: the plane's `[height, width]` bytes begin at `offset`.
    ///   - output: receives `[vertical places, horizontal places]` from `start` on.
    mutating func resample(
        _ pixels: Span<UInt8>, offset: Int, width: Int, horizontal: AxisTaps,
        vertical: AxisTaps, scale: Float, shift: Float, into output: inout MutableSpan<Float>,
        at start: Int
    ) {
        let outWidth = horizontal.first.count
        let needed = vertical.pixels
        if rows.count < needed.count * outWidth {
            rows = Array(repeating: 0, count: needed.count * outWidth)
        }
        var memory = rows.mutableSpan
        for row in 0..<needed.count {
            readLine(
                pixels, at: offset + (needed.lowerBound + row) * width,
                first: horizontal.first.span, weights: horizontal.weights.span,
                taps: horizontal.tapCount, into: &memory, at: row * outWidth)
        }
        scaled.removeAll(keepingCapacity: true)
        for weight in vertical.weights { scaled.append(weight * scale) }
        for place in 0..<vertical.first.count {
            let taps = (place * vertical.tapCount)..<((place + 1) * vertical.tapCount)
            combineLines(
                rows.span, at: (vertical.first[place] - needed.lowerBound) * outWidth,
                width: outWidth, weights: scaled.span.extracting(taps), shift: shift,
                into: &output, at: start + place * outWidth)
        }
    }
}
