import Buffers
import Tensors
import Testing

@Suite struct FlatGradientTests {
    @Test func `leaves find their gradients at their places and zeros between`() {
        let tape = Tape(pool: usedPool())
        let a = tape.leaf(Tensor([1, 2], shape: [2]), flatOffset: 1)
        let b = tape.leaf(Tensor([3, 5], shape: [2]), flatOffset: 5)
        let flat = tape.flatGradient(of: [((a * b).sum(), Tensor(1))], count: 9)
        #expect(flat.values == [0, 3, 5, 0, 0, 1, 2, 0, 0])
    }

    @Test func `a leaf that is used twice adds both gradients`() {
        let tape = Tape(pool: usedPool())
        let w = tape.leaf(Tensor([1, 2, 3, 4], shape: [2, 2]), flatOffset: 0)
        let x = tape.constant(Tensor([1, 10], shape: [1, 2]))
        let y = linear(linear(x, weight: w), weight: w).sum()
        let flat = tape.flatGradient(of: [(y, Tensor(1))], count: 4)
        // y = 1^T W W x: the gradient is (W^T 1) x^T in the inner place, [4 40; 6 60], and
        // 1 (W x)^T in the outer one, [21 43; 21 43].
        #expect(flat.values == [25, 83, 27, 103])
    }

    @Test func `a leaf that no output depends on has a gradient of zeros`() {
        let tape = Tape(pool: usedPool())
        let a = tape.leaf(Tensor([1, 2], shape: [2]), flatOffset: 0)
        _ = tape.leaf(Tensor([7, 7], shape: [2]), flatOffset: 2)
        #expect(tape.flatGradient(of: [(a.sum(), Tensor(1))], count: 4).values == [1, 1, 0, 0])
    }

    @Test func `leaves without a place are left out`() {
        let tape = Tape(pool: usedPool())
        let a = tape.leaf(Tensor([1, 2], shape: [2]))
        let b = tape.leaf(Tensor([3, 5], shape: [2]), flatOffset: 0)
        let flat = tape.flatGradient(of: [((a * b).sum(), Tensor(1))], count: 2)
        #expect(flat.values == [1, 2])
    }

    @Test func `leaves whose places overlap trap`() async {
        await #expect(processExitsWith: .failure) {
            let tape = Tape()
            let a = tape.leaf(Tensor([1, 2], shape: [2]), flatOffset: 0)
            let b = tape.leaf(Tensor([1, 2], shape: [2]), flatOffset: 1)
            _ = tape.flatGradient(of: [((a * b).sum(), Tensor(1))], count: 4)
        }
    }

    /// A pool whose memory holds anything but zeros.
    private func usedPool() -> BufferPool {
        let pool = BufferPool()
        var tensors = (1...10).map { Tensor(uninitialized: [$0], pool: pool) }
        for index in tensors.indices {
            var span = tensors[index].mutableSpan
            for place in 0..<span.count { span[place] = .nan }
        }
        return pool
    }
}
