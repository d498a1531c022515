import Tensors
import Testing

@testable import Methods

@Suite struct EmbeddingExchangeTests {
    private func input(_ rows: [Float]) -> NamedTensors {
        EmbeddingExchange.input(Tensor(rows, shape: [rows.count, 1]))
    }

    /// A step of five slices, of which two hold no samples.
    private let batch = OpenBatch(step: 3, slices: [[4], [], [7, 1, 5], [], [2, 3]])

    @Test func `each slice gets the rows back that it sent, whatever slices are empty`() throws {
        let group = try batch.group(1..<5)
        #expect(group.filled.map(\.number) == [2, 4])
        #expect(group.filled.map(\.rows) == [0..<3, 3..<5])
        #expect(group.samples == [7, 1, 5, 2, 3])
        let z = try group.joined([input([1, 2, 3]), input([4, 5])], width: 1)
        #expect(z.values == [1, 2, 3, 4, 5])
        let losses = Tensor((0..<10).map { Float($0) }, shape: [5, 2])
        let answers = group.answers(gradient: z.scaled(by: 10), losses: losses)
        #expect(answers.map { $0["dz"]?.values } == [[10, 20, 30], [40, 50]])
        #expect(answers.map { $0["losses"]?.values } == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9]])
    }

    @Test func `a group without samples has neither inputs nor answers`() throws {
        let group = try batch.group(1..<2)
        let z = try group.joined([], width: 3)
        #expect(z.shape == [0, 3])
        #expect(group.answers(gradient: z, losses: z).isEmpty)
    }

    @Test func `a batch counts its samples and has no slices but its own`() {
        #expect(batch.count == 6)
        #expect(batch.samples == [4, 7, 1, 5, 2, 3])
        #expect(throws: EmbeddingExchangeError.wrongSlices(3..<6, of: 5)) {
            try batch.group(3..<6)
        }
    }

    @Test func `inputs of other slices than those of the group are refused`() throws {
        let group = try batch.group(0..<3)
        #expect(throws: EmbeddingExchangeError.wrongInputs(1, slices: 2)) {
            try group.joined([input([1])], width: 1)
        }
        let error = #expect(throws: EmbeddingExchangeError.self) {
            try group.joined([input([1]), input([1, 2])], width: 1)
        }
        #expect(error?.description.contains("slice 2") == true)
    }
}
