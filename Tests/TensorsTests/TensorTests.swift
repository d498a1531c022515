import Buffers
import Tensors
import Testing

@Suite struct TensorTests {
    @Test func `a copy does not change when the original is written`() {
        var x = Tensor([1, 2, 3, 4], shape: [2, 2])
        let copy = x
        var span = x.mutableSpan
        span[0] = 9
        #expect(copy.values == [1, 2, 3, 4])
        #expect(x.values == [9, 2, 3, 4])
    }

    @Test func `a tensor that nobody shares is written in place`() {
        var x = Tensor([1, 2], shape: [2])
        let before = ObjectIdentifier(x.buffer)
        var span = x.mutableSpan
        span[1] = 5
        #expect(ObjectIdentifier(x.buffer) == before)
        #expect(x.values == [1, 5])
    }

    @Test func `rows are a view, and writing them copies only them`() {
        let x = Tensor((0..<12).map(Float.init), shape: [4, 3])
        var part = x.rows(1..<3)
        #expect(part.buffer === x.buffer)
        #expect(part.shape == [2, 3])
        #expect(part.values == [3, 4, 5, 6, 7, 8])
        var span = part.mutableSpan
        span[0] = -1
        #expect(part.buffer.byteCount == 24)
        #expect(x.values == (0..<12).map(Float.init))
    }

    @Test func `a view of a foreign buffer is read in place and copied on write`() {
        let buffer = AlignedBuffer(byteCount: 64)
        var floats = buffer.mutableFloats
        floats[4] = 7
        var x = Tensor(viewing: buffer, byteOffset: 16, shape: [3])
        #expect(x.values == [7, 0, 0])
        var span = x.mutableSpan
        span[0] = 1
        #expect(buffer.floats[4] == 7)
    }

    @Test func `bit identity tells zeros apart and NaNs not`() {
        let x = Tensor([0, .nan], shape: [2])
        #expect(x.isBitIdentical(to: Tensor([0, .nan], shape: [2])))
        #expect(!x.isBitIdentical(to: Tensor([-0.0, .nan], shape: [2])))
        #expect(!x.isBitIdentical(to: x.reshaped([1, 2])))
    }

    @Test func `a shape from outside is refused when it makes no sense`() {
        #expect(Shape(checking: [2, 3])?.count == 6)
        #expect(Shape(checking: []) == [])
        #expect(Shape(checking: [-1]) == nil)
        #expect(Shape(checking: [1 << 31]) == nil)
        #expect(Shape(checking: [1 << 30, 1 << 30, 8]) == nil)
        #expect(Shape(checking: [Int](repeating: 1, count: 9)) == nil)
        #expect(Shape(checking: [0, 5])?.count == 0)
    }

    @Test func `memory outside the buffer is not a tensor`() async {
        await #expect(processExitsWith: .failure) {
            _ = Tensor(viewing: AlignedBuffer(byteCount: 64), byteOffset: 32, shape: [9])
        }
    }

    @Test func `permuting moves elements to where the axes say`() {
        let tape = Tape()
        let x = tape.constant(Tensor((0..<6).map(Float.init), shape: [2, 3]))
        #expect(x.permuted([1, 0]).value.values == [0, 3, 1, 4, 2, 5])
        #expect(x.sliced(axis: 1, 1..<3).value.values == [1, 2, 4, 5])
        #expect(
            concatenated([x, x], axis: 1).value.values == [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5])
    }

    @Test(arguments: [0, 1, 7, 8, 9, 16, 23, 40])
    func `one element that is no number is found wherever it stands`(count: Int) {
        let values = (0..<count).map { $0 % 3 == 0 ? Float.greatestFiniteMagnitude : -0x1p-140 }
        #expect(Tensor(values, shape: [count]).isFinite)
        for place in 0..<count {
            for odd in [Float.infinity, -.infinity, .nan, -.nan, .signalingNaN] {
                var broken = values
                broken[place] = odd
                #expect(!Tensor(broken, shape: [count]).isFinite)
            }
        }
    }
}
