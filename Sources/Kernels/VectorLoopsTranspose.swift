import Buffers
import CInstructions
import CWideKernels

/// The transpose of a matrix, block by block in registers.
@safe struct Transpose {
    /// Rows of the matrix, columns of the transpose.
    let rows: Int
    /// Columns of the matrix, rows of the transpose.
    let columns: Int
    /// Whether registers of sixteen floats are used.
    var isWide = WideRegisters.areThere

    /// Copies element (i, j) from `x[i rowX + j]` to `y[j rowY + i]`.
    func callAsFunction(
        _ x: UnsafePointer<Float>, _ rowX: Int, into y: UnsafeMutablePointer<Float>, _ rowY: Int
    ) {
        guard !isWide else { return unsafe wide_transpose(x, rows, columns, rowX, y, rowY) }
        let (rowEnd, columnEnd) = (rows &- rows % 8, columns &- columns % 8)
        for row in stride(from: 0, to: rowEnd, by: 8) {
            for column in stride(from: 0, to: columnEnd, by: 8) {
                unsafe transpose_eight(
                    x + (row &* rowX &+ column), rowX, y + (column &* rowY &+ row), rowY)
            }
            unsafe copy(row..<(row &+ 8), columnEnd..<columns, x, rowX, y, rowY)
        }
        unsafe copy(rowEnd..<rows, 0..<columns, x, rowX, y, rowY)
    }

    /// What no whole block holds, element by element.
    private func copy(
        _ rows: Range<Int>, _ columns: Range<Int>, _ x: UnsafePointer<Float>, _ rowX: Int,
        _ y: UnsafeMutablePointer<Float>, _ rowY: Int
    ) {
        for row in rows {
            for column in columns {
                unsafe y[column &* rowY &+ row] = x[row &* rowX &+ column]
            }
        }
    }
}
