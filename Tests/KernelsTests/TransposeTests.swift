@testable import Kernels
import Testing

/// Matrices of every size around a block, in registers of eight and of sixteen floats.
@Suite struct TransposeTests {
    @Test(arguments: PanelTileTests.kinds)
    func `every element gets to its place and nothing else is written`(isWide: Bool) {
        for rows in [1, 7, 8, 9, 16, 17, 33] {
            for columns in [1, 5, 8, 15, 16, 24, 35] {
                let (rowX, rowY) = (columns + 3, rows + 2)
                let x = (0..<(rows * rowX)).map(Float.init)
                var y = [Float](repeating: -1, count: columns * rowY)
                unsafe x.withUnsafeBufferPointer { x in
                    unsafe y.withUnsafeMutableBufferPointer { y in
                        guard let x = x.baseAddress, let y = y.baseAddress else { return }
                        let transpose = Transpose(rows: rows, columns: columns, isWide: isWide)
                        unsafe transpose(x, rowX, into: y, rowY)
                    }
                }
                let wanted = (0..<(columns * rowY)).map { place in
                    place % rowY < rows ? x[place % rowY * rowX + place / rowY] : -1
                }
                #expect(y == wanted, "\(rows) x \(columns)")
            }
        }
    }
}
