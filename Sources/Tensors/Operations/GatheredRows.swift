import Kernels

/// Rows of a matrix, in any order and any number of times: what makes vectors of tokens.
///
/// In the gradient a row that was taken several times gets its parts added from the first taking to
/// the last.
///
/// - Parameters:
///   - matrix: `[N, C]`.
///   - rows: numbers in 0 ..< N.
/// - Returns: `[rows.count, C]`.
public func gatheredRows(_ matrix: Variable, _ rows: [Int]) -> Variable {
    precondition(matrix.shape.rank == 2, "gatheredRows of shape \(matrix.shape)")
    let width = matrix.shape[1]
    var value = matrix.tape.uninitialized([rows.count, width])
    var y = value.mutableSpan
    matrix.value.copyRows(at: rows, into: &y)
    return matrix.tape.record(value, from: matrix) { [matrix = matrix.place] gradient, sums in
        sums.add(to: matrix) { scatter(gradient.span, into: &$0, rows, width: width) }
    }
}

/// Adds each part to its row, in the order of the parts; rows without one are 0.
@_lifetime(total: copy total)
private func scatter(
    _ parts: Span<Float>, into total: inout MutableSpan<Float>, _ rows: [Int], width: Int
) {
    Vector.fill(&total, with: 0)
    for (place, row) in rows.enumerated() {
        var line = total._mutatingExtracting((row * width)..<((row + 1) * width))
        Vector.add(parts.extracting((place * width)..<((place + 1) * width)), to: &line)
    }
}
