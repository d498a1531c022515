import Buffers

/// Reads `count` places of a line of bytes, each as a weighted sum of neighbouring pixels.
///
/// A place's sum runs over its taps in rising order, products fused: its bits depend on weights
/// and pixels alone.
///
/// - Parameters:
///   - pixels: the line begins at `line`.
///   - first: for each place the first pixel it reads, counted from `line`.
///   - weights: `[places, taps]`.
///   - output: receives the places from `start` on.
@_lifetime(output: copy output)
public func readLine(
    _ pixels: Span<UInt8>, at line: Int, first: Span<Int>, weights: Span<Float>, taps: Int,
    into output: inout MutableSpan<Float>, at start: Int
) {
    let count = first.count
    precondition(weights.count == count * taps, "\(weights.count) weights for \(count) places")
    precondition(start >= 0 && start + count <= output.count, "place \(start) + \(count)")
    guard taps == 2 else {
        for place in 0..<count {
            var sum: Float = 0
            for tap in 0..<taps {
                sum.addProduct(
                    weights[taps * place + tap], Float(pixels[line + first[place] + tap]))
            }
            output[start + place] = sum
        }
        return
    }
    for place in 0..<count {
        let at = line + first[place]
        let left = weights[2 * place] * Float(pixels[at])
        output[start + place] = left.addingProduct(weights[2 * place + 1], Float(pixels[at + 1]))
    }
}

/// Writes shift + the weighted sum of `weights.count` lines, element by element.
///
/// The sum runs over the lines in rising order, products fused; a tail shorter than eight goes
/// through the same operations.
///
/// - Parameters:
///   - lines: lines of `width` floats, the first of which begins at `base`.
///   - output: receives `width` floats from `start` on.
@_lifetime(output: copy output)
public func combineLines(
    _ lines: Span<Float>, at base: Int, width: Int, weights: Span<Float>, shift: Float,
    into output: inout MutableSpan<Float>, at start: Int
) {
    precondition(base >= 0 && base + weights.count * width <= lines.count, "line \(base)")
    precondition(start >= 0 && start + width <= output.count, "place \(start) + \(width)")
    var column = 0
    while column + 8 <= width {
        var sum = Lanes(repeating: shift)
        for line in 0..<weights.count {
            sum.addProduct(
                Lanes(repeating: weights[line]), lines.lanes(at: base + line * width + column))
        }
        output.setLanes(sum, at: start + column)
        column += 8
    }
    guard column < width else { return }
    let rest = width - column
    var sum = Lanes(repeating: shift)
    for line in 0..<weights.count {
        let values = lines.lanes(at: base + line * width + column, count: rest)
        sum.addProduct(Lanes(repeating: weights[line]), values)
    }
    output.setLanes(sum, at: start + column, count: rest)
}
