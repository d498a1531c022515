@testable import Kernels
import Testing

/// Strips in registers of eight and of sixteen floats: the same bits, those of the definition.
@Suite struct PanelTileTests {
    /// Whether registers of sixteen are used; both where the processor has them.
    static let kinds = WideRegisters.areThere ? [false, true] : [false]
    /// Columns around every edge of a register, a tile and a panel.
    static let columns = [1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 40, 47, 48]

    @Test(arguments: kinds, columns)
    func `every element of a strip is one chain from its start`(isWide: Bool, columns: Int) {
        for rows in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 23] {
            for (k, sharesStart) in [(0, true), (1, false), (6, true), (37, false)] {
                check(rows, columns, k, sharesStart: sharesStart, isWide: isWide)
            }
        }
    }

    @Test(arguments: kinds, [1, 5, 8, 12, 15, 23, 48])
    func `an interleaved left factor gives the same bits`(isWide: Bool, rows: Int) {
        let (k, columns) = (37, 48)
        let (a, b) = (numbers(k * rows, seed: 1), numbers(k * columns, seed: 2))
        var interleaved = [Float](repeating: .nan, count: k * rows + 8)
        unsafe withAddresses(a, b, &interleaved) { a, _, y in
            let order = InterleavedRows(rows: rows, columns: k, isWide: isWide)
            unsafe order.copy(a, columnA: rows, into: y)
        }
        let isUntouched = interleaved.suffix(8).allSatisfy { $0.isNaN }
        #expect(isUntouched, "nothing is written past the last row")
        var c = [Float](repeating: 0, count: rows * columns)
        unsafe withAddresses(interleaved, b, &c) { a, b, c in
            let tile = PanelTile(
                k: k, rowA: 1, columnA: rows, isInterleaved: true, rowB: columns,
                rowStart: columns, rowC: columns, isWide: isWide)
            // What is called for next is no number that is read.
            unsafe tile.strip(
                rows: rows, columns: columns, a, b, from: UnsafePointer(c), into: c, next: b)
        }
        expectChains(
            c, rows: rows, columns: columns, k: k, start: { _, _ in 0 }, a: { a[$1 * rows + $0] },
            b: { b[$0 * columns + $1] })
    }

    @Test(arguments: kinds)
    func `small products are the same in registers of either length`(isWide: Bool) {
        for (m, n, k) in [
            (4, 16, 3), (50, 56, 32), (50, 32, 50), (5, 24, 7), (3, 9, 2), (1, 95, 4),
        ] {
            let (a, b) = (numbers(m * k, seed: 1), numbers(k * n, seed: 2))
            var c = [Float](repeating: .nan, count: m * n)
            unsafe withAddresses(a, b, &c) { a, b, c in
                var product = LaneProduct(m: m, n: n, k: k)
                product.isWide = isWide
                unsafe product(a, rowA: 1, columnA: m, b, rowB: n, into: c, rowC: n)
            }
            expectChains(
                c, rows: m, columns: n, k: k, start: { _, _ in 0 }, a: { a[$1 * m + $0] },
                b: { b[$0 * n + $1] })
        }
    }

    private func check(_ rows: Int, _ columns: Int, _ k: Int, sharesStart: Bool, isWide: Bool) {
        let (rowA, rowC, width) = (k + 2, columns + 3, 48)
        let rowStart = sharesStart ? 0 : width
        let a = numbers(rows * rowA, seed: 1)
        let b = numbers(max(k, 1) * width, seed: 2)
        let start = numbers(rows * width, seed: 3)
        let before = numbers(rows * rowC, seed: 4)
        var c = before
        unsafe withAddresses(a, b, &c) { a, b, c in
            unsafe start.withUnsafeBufferPointer { start in
                guard let start = start.baseAddress else { return }
                let tile = PanelTile(
                    k: k, rowA: rowA, columnA: 1, rowB: width, rowStart: rowStart, rowC: rowC,
                    isWide: isWide)
                unsafe tile.strip(rows: rows, columns: columns, a, b, from: start, into: c)
            }
        }
        for i in 0..<rows {
            for j in 0..<rowC {
                var expected = before[i * rowC + j]
                if j < columns {
                    expected = start[i * rowStart + j]
                    for l in 0..<k { expected.addProduct(a[i * rowA + l], b[l * width + j]) }
                }
                guard expected.bitPattern == c[i * rowC + j].bitPattern else {
                    Issue.record("element (\(i), \(j)) of \(rows) rows, \(columns) columns, \(k)")
                    return
                }
            }
        }
    }

    private func withAddresses(
        _ a: [Float], _ b: [Float], _ c: inout [Float],
        _ body: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        unsafe a.withUnsafeBufferPointer { a in
            unsafe b.withUnsafeBufferPointer { b in
                unsafe c.withUnsafeMutableBufferPointer { c in
                    guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress
                    else { return }
                    unsafe body(a, b, c)
                }
            }
        }
    }
}
