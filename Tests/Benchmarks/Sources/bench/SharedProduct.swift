internal import Kernels
internal import Synchronization
internal import Tensors

/// OpenBLAS's product of 256 x 4,096 with sums of 512, on several threads at once: what a machine
/// reaches at the shapes of a table.
enum SharedProduct {
    private static let timesEach = 8

    /// Operations a second over all threads, each of which multiplies matrices of its own.
    static func rate(_ crew: SlotCrew) -> Double {
        let operands = (0..<crew.count).map { _ in Operands() }
        func multiply(times: Int) {
            crew.run(slots: crew.count) { slot in
                for _ in 0..<times { operands[slot].multiply() }
            }
        }
        multiply(times: 1)
        let begin = monotonicSeconds()
        multiply(times: timesEach)
        return Operands.operations * Double(timesEach * crew.count) / (monotonicSeconds() - begin)
    }
}

/// Matrices of one thread.
private final class Operands: Sendable {
    private static let (m, n, k) = (256, 4096, 512)
    static let operations = 2 * Double(m) * Double(n) * Double(k)

    private let a: Tensor
    private let b: Tensor
    private let c = Mutex(Tensor(zeros: [m, n]))

    init() {
        let random = CounterRandom(seed: 4, stream: .test)
        a = random.uniformTensor([Self.m, Self.k], from: -1, to: 1)
        b = Tensor(repeating: 0.5, shape: [Self.k, Self.n])
    }

    func multiply() {
        c.withLock { [a, b] c in
            let (a, b) = (a, b)
            var span = c.mutableSpan
            sgemm(m: Self.m, n: Self.n, k: Self.k, a: a.span, b: b.span, c: &span)
        }
    }
}
