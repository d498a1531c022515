import Tensors
import Testing

@Suite struct TensorRowsTests {
    @Test func `rows are gathered in the order asked for, some twice, some never`() {
        let all = Tensor((0..<12).map { Float($0) }, shape: [4, 3])
        let some = all.rows(at: [3, 0, 3])
        #expect(some.shape == [3, 3])
        #expect(some.values == [9, 10, 11, 0, 1, 2, 9, 10, 11])
        #expect(all.rows(at: []).shape == [0, 3])
    }

    @Test func `of a vector and of a stack of matrices the first axis is gathered`() {
        let vector = Tensor([5, 6, 7], shape: [3]).rows(at: [2, 1])
        #expect(vector.shape == [2] && vector.values == [7, 6])
        let stack = Tensor((0..<8).map { Float($0) }, shape: [2, 2, 2]).rows(at: [1])
        #expect(stack.shape == [1, 2, 2] && stack.values == [4, 5, 6, 7])
    }

    @Test func `a row that is not there is a mistake of the caller`() async {
        await #expect(processExitsWith: .failure) {
            _ = Tensor(zeros: [2, 3]).rows(at: [2])
        }
    }
}
