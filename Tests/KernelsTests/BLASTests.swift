import Buffers
@testable import Kernels
import Testing

@Suite struct BLASTests {
    @Test(arguments: [(3, 4, 5), (1, 1, 1), (17, 33, 9), (64, 48, 65), (5, 7, 0)])
    func `a product equals the sums written out, transposed or not`(_ size: (Int, Int, Int)) {
        let (m, n, k) = size
        let (a, b) = (numbers(m * k, seed: 1), numbers(k * n, seed: 2))
        for transA in [Transposition.none, .transposed] {
            for transB in [Transposition.none, .transposed] {
                var c = [Float](repeating: 2, count: m * n)
                var span = c.mutableSpan
                sgemm(
                    transA: transA, transB: transB, m: m, n: n, k: k, alpha: 0.5, a: a.span,
                    b: b.span, beta: 3, c: &span)
                for i in 0..<m {
                    for j in 0..<n {
                        var sum = 0.0
                        for l in 0..<k {
                            let left = transA == .none ? a[i * k + l] : a[l * m + i]
                            let right = transB == .none ? b[l * n + j] : b[j * k + l]
                            sum += Double(left) * Double(right)
                        }
                        #expect((Double(c[i * n + j]) - (0.5 * sum + 6)).magnitude < 1e-5)
                    }
                }
            }
        }
    }

    @Test func `rows may lie further apart than they are long`() {
        let (a, b): ([Float], [Float]) = ([1, 2, 9, 3, 4, 9], [5, 6])
        var c: [Float] = [0, 7, 0]
        var span = c.mutableSpan
        sgemm(m: 2, n: 1, k: 2, a: a.span, b: b.span, c: &span, lda: 3, ldc: 2)
        #expect(c == [17, 7, 39])
    }

    @Test func `memory that is too short for the product traps`() async {
        await #expect(processExitsWith: .failure) {
            let a = [Float](repeating: 1, count: 5)
            var c = [Float](repeating: 0, count: 4)
            var span = c.mutableSpan
            sgemm(m: 2, n: 2, k: 3, a: a.span, b: a.span, c: &span)
        }
    }

    @Test func `one thread computes`() {
        #expect(NumericsEnvironment.threadCount == 1)
    }

    @Test(arguments: [(4, 16, 3), (16, 16, 16), (5, 24, 7), (3, 9, 2), (1, 31, 4)])
    func `small products add in order, the same bits at every place`(_ size: (Int, Int, Int)) {
        let (m, n, k) = size
        let attention = Attention(batch: 1, tokens: m, heads: 1, headWidth: k)
        #expect(attention.probabilityCount == m * attention.paddedTokens)
        let (a, b) = (numbers(m * k, seed: 1), numbers(k * n, seed: 2))
        let c = laneProduct(m, n, k, a, b)
        for i in 0..<m {
            for j in 0..<n {
                var sum: Float = 0
                for l in 0..<k { sum.addProduct(a[i * k + l], b[l * n + j]) }
                #expect(c[i * n + j] == sum)
            }
        }
    }

    private func laneProduct(_ m: Int, _ n: Int, _ k: Int, _ a: [Float], _ b: [Float]) -> [Float] {
        var c = [Float](repeating: 0, count: m * n)
        unsafe a.withUnsafeBufferPointer { a in
            unsafe b.withUnsafeBufferPointer { b in
                unsafe c.withUnsafeMutableBufferPointer { c in
                    guard let x = a.baseAddress, let y = b.baseAddress,
                        let z = c.baseAddress
                    else { return }
                    unsafe LaneProduct(m: m, n: n, k: k)(
                        x, rowA: k, columnA: 1, y, rowB: n, into: z, rowC: n)
                }
            }
        }
        return c
    }
}
