import Tensors
import Testing

@testable import Methods

@Suite struct EmbeddingExchangeTests {
    /// Samples of five slices, of which two hold none.
    private static let samples = [[4], [], [7, 1, 5], [], [2, 3]]

    private func input(_ rows: [Float]) -> NamedTensors {
        EmbeddingExchange.input(Tensor(rows, shape: [rows.count, 1]))
    }

    @Test func `each slice gets the rows back that it sent, whatever slices are empty`() throws {
        let filled = EmbeddingExchange.filled(1..<5, of: Self.samples)
        #expect(filled.map(\.number) == [2, 4])
        #expect(filled.map(\.rows) == [0..<3, 3..<5])
        let z = try EmbeddingExchange.joined(
            [input([1, 2, 3]), input([4, 5])], of: filled, width: 1)
        #expect(z.values == [1, 2, 3, 4, 5])
        let losses = Tensor((0..<10).map { Float($0) }, shape: [5, 2])
        let answers = EmbeddingExchange.answers(
            gradient: z.scaled(by: 10), losses: losses, to: filled)
        #expect(answers.map { $0["dz"]?.values } == [[10, 20, 30], [40, 50]])
        #expect(answers.map { $0["losses"]?.values } == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9]])
    }

    @Test func `a group without samples has neither inputs nor answers`() throws {
        let filled = EmbeddingExchange.filled(1..<2, of: Self.samples)
        let z = try EmbeddingExchange.joined([], of: filled, width: 3)
        #expect(z.shape == [0, 3])
        #expect(
            EmbeddingExchange.answers(gradient: z, losses: z, to: filled).isEmpty)
    }

    @Test func `inputs of other slices than those of the group are refused`() {
        let filled = EmbeddingExchange.filled(0..<3, of: Self.samples)
        #expect(throws: EmbeddingExchangeError.wrongInputs(1, slices: 2)) {
            try EmbeddingExchange.joined([input([1])], of: filled, width: 1)
        }
        let error = #expect(throws: EmbeddingExchangeError.self) {
            try EmbeddingExchange.joined([input([1]), input([1, 2])], of: filled, width: 1)
        }
        #expect(error?.description.contains("slice 2") == true)
    }
}
