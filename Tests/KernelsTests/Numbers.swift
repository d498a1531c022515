import Foundation
import Testing

/// Numbers in [-1, 1), the same for the same seed.
func numbers(_ count: Int, seed: UInt32) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Float(Int32(bitPattern: state) >> 8) * 0x1p-23
    }
}

func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }

/// Expects that every element of C `[rows, columns]` is one chain of `k` fused multiply-adds of
/// `a(i, l)` and `b(l, j)` from `start(i, j)`; records the first that is not.
func expectChains(
    _ c: [Float], rows: Int, columns: Int, k: Int, start: (Int, Int) -> Float,
    a: (Int, Int) -> Float, b: (Int, Int) -> Float
) {
    for i in 0..<rows {
        for j in 0..<columns {
            var sum = start(i, j)
            for l in 0..<k { sum.addProduct(a(i, l), b(l, j)) }
            guard sum.bitPattern == c[i * columns + j].bitPattern else {
                Issue.record("element (\(i), \(j)) of [\(rows), \(columns)], \(k)")
                return
            }
        }
    }
}
