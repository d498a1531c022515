internal import Buffers

/// Reads one plane of bytes through horizontal and vertical taps, scaled and shifted.
///
/// First the rows that are needed are resampled to the output width, then they are combined.
/// Keeps its row memory between images.
struct Resampler {
    private var rows: [Float] = []

    /// Writes `scale * resampled + shift` of one plane.
    ///
    /// - Parameters:
    ///   - plane: `[height, width]` bytes, from `offset` on in `pixels`.
    ///   - output: receives `[vertical places, horizontal places]` from `at` on.
    mutating func resample(
        _ pixels: Span<UInt8>, offset: Int, width: Int, horizontal: AxisTaps,
        vertical: AxisTaps, scale: Float, shift: Float, into output: inout MutableSpan<Float>,
        at start: Int
    ) {
        let outWidth = horizontal.first.count
        let needed = vertical.pixels
        let rowCount = needed.count
        if rows.count < rowCount * outWidth {
            rows = Array(repeating: 0, count: rowCount * outWidth)
        }
        var memory = rows.mutableSpan
        for row in 0..<rowCount {
            let line = offset + (needed.lowerBound + row) * width
            if horizontal.tapCount == 2 {
                readPairs(pixels, line, horizontal, into: &memory, at: row * outWidth)
            } else {
                readTaps(pixels, line, horizontal, into: &memory, at: row * outWidth)
            }
        }
        for place in 0..<vertical.first.count {
            combine(
                memory, (vertical.first[place] - needed.lowerBound) * outWidth, outWidth,
                vertical, place, scale, shift, into: &output, at: start + place * outWidth)
        }
    }
}

/// One output row: the weighted sum of rows of `memory`, the first of which begins at `base`.
private func combine(
    _ memory: borrowing MutableSpan<Float>, _ base: Int, _ width: Int, _ taps: AxisTaps,
    _ place: Int, _ scale: Float, _ shift: Float, into output: inout MutableSpan<Float>,
    at start: Int
) {
    let weight = place * taps.tapCount
    var column = 0
    while column < width {
        let count = min(laneCount, width - column)
        var sum = Lanes(repeating: shift)
        for tap in 0..<taps.tapCount {
            let factor = Lanes(repeating: taps.weights[weight + tap] * scale)
            let at = base + tap * width + column
            let values =
                count == laneCount ? memory.lanes(at: at) : memory.lanes(at: at, count: count)
            sum.addProduct(factor, values)
        }
        if count == laneCount {
            output.setLanes(sum, at: start + column)
        } else {
            output.setLanes(sum, at: start + column, count: count)
        }
        column += laneCount
    }
}

private func readPairs(
    _ pixels: Span<UInt8>, _ line: Int, _ taps: AxisTaps, into memory: inout MutableSpan<Float>,
    at start: Int
) {
    let (first, weights) = (taps.first.span, taps.weights.span)
    for place in 0..<first.count {
        let at = line + first[place]
        let left = weights[2 * place] * Float(pixels[at])
        memory[start + place] = left.addingProduct(weights[2 * place + 1], Float(pixels[at + 1]))
    }
}

private func readTaps(
    _ pixels: Span<UInt8>, _ line: Int, _ taps: AxisTaps, into memory: inout MutableSpan<Float>,
    at start: Int
) {
    let (first, weights) = (taps.first.span, taps.weights.span)
    for place in 0..<first.count {
        var sum: Float = 0
        for tap in 0..<taps.tapCount {
            sum.addProduct(
                weights[taps.tapCount * place + tap], Float(pixels[line + first[place] + tap]))
        }
        memory[start + place] = sum
    }
}
