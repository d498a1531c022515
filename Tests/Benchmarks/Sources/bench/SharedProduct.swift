internal import Kernels
internal import Synchronization
internal import Tensors

/// OpenBLAS's product of 256 x 4,096 with sums of 512, on several threads at once: what a machine
/// reaches at the shapes of a table.
enum SharedProduct {
    private static let timesEach = 8

    private static let (m, n, k) = (256, 4096, 512)

    /// Operations a second over all threads, each of which has a result of its own.
    static func rate(_ crew: SlotCrew) -> Double {
        let a = CounterRandom(seed: 4, stream: .test).uniformTensor([m, k], from: -1, to: 1)
        let b = Tensor(repeating: 0.5, shape: [k, n])
        let results = (0..<crew.count).map { _ in Product() }
        func multiply(times: Int) {
            crew.run(slots: crew.count) { slot in
                for _ in 0..<times { results[slot].set(a, b) }
            }
        }
        multiply(times: 1)
        let begin = monotonicSeconds()
        multiply(times: timesEach)
        let operations = 2 * Double(m) * Double(n) * Double(k)
        return operations * Double(timesEach * crew.count) / (monotonicSeconds() - begin)
    }

    /// The result of one thread.
    private final class Product: Sendable {
        private let c = Mutex(Tensor(zeros: [m, n]))

        func set(_ a: Tensor, _ b: Tensor) {
            c.withLock { c in
                var span = c.mutableSpan
                sgemm(m: m, n: n, k: k, a: a.span, b: b.span, c: &span)
            }
        }
    }
}
