import Buffers
import Tensors
import Testing

@Suite struct TapeTests {
    @Test func `gradients that meet in one variable are added`() {
        let tape = Tape()
        let x = tape.leaf(Tensor([1, 2, 3], shape: [3]))
        let y = x * x + x
        let gradient = tape.gradients(of: [(y.sum(), Tensor(1))], for: [x])[0]
        #expect(gradient.values == [3, 5, 7])
    }
}
