import Objectives
import Tables
import Tensors
import Testing

/// Claims and traps of the sheet that no reference value pins down, by its sections.
@Suite struct ContrastivePaperTests {
    private let random = CounterRandom(seed: 3, stream: .test)

    private func slopes(_ loss: InstanceLoss, _ s: [Float], own: Int) -> [Float] {
        var (values, gradient) = (s, [Float](repeating: 0, count: s.count))
        var x = values.mutableSpan
        var y = gradient.mutableSpan
        _ = loss.differentiate(&x, own: own, into: &y)
        return gradient
    }

    @Test func `2: the relative penalty of near negatives rises as the temperature falls`() {
        let s = (0..<100).map { random.uniform(at: $0) }
        var shares: [Float] = []
        for tau in [1, 0.3, 0.1, 0.05] as [Float] {
            let gradient = slopes(
                InstanceLoss(.contrastive, temperature: tau, epsilon: 0), s, own: 9)
            let nearest = s.indices.filter { $0 != 9 }.sorted { s[$0] > s[$1] }.prefix(10)
            shares.append(nearest.reduce(0) { $0 + gradient[$1] } / -gradient[9])
        }
        #expect(zip(shares, shares.dropFirst()).allSatisfy { $0 < $1 }, "\(shares)")
    }

    @Test func `2: at a high temperature the loss is the simple one over tau`() {
        let s = (0..<100).map { random.uniform(at: $0) }
        let simple = slopes(InstanceLoss(.simple), s, own: 4)
        let hot = slopes(InstanceLoss(.contrastive, temperature: 1000, epsilon: 0), s, own: 4)
        for (a, b) in zip(simple, hot) { #expect(abs(a - 1000 * b) < 1e-3 * abs(a)) }
    }

    @Test func `2: the code's hard loss counts an own row among the nearest once`() {
        let s: [Float] = [0.9, 0.5, 0.1, -0.3]
        // The own row is the nearest: K = 2 leaves one negative.
        let gradient = slopes(InstanceLoss(.hard, temperature: 0.5, hardest: 2), s, own: 0)
        #expect(gradient[1] > 0 && gradient[2] == 0 && gradient[3] == 0)
        // It is not among them: both are negatives, and it is pulled all the same.
        let far = slopes(InstanceLoss(.hard, temperature: 0.5, hardest: 2), s, own: 3)
        #expect(far[0] > 0 && far[1] > 0 && far[2] == 0 && far[3] < 0)
        // In the paper's form the own row always takes one of the places.
        let paper = slopes(
            InstanceLoss(.hard, temperature: 0.5, hardest: 2, form: .formula), s, own: 3)
        #expect(paper[0] > 0 && paper[1] == 0 && paper[2] == 0 && paper[3] < 0)
    }

    @Test func `7: the bank's first rows are not normalised`() {
        let rows = MemoryBank(MemoryBank.Settings(rowCount: 50, dim: 8, seed: 1)).allRows.values
        let lengths = (0..<50).map { row in
            rows[(8 * row)..<(8 * row + 8)].reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        #expect((lengths.max() ?? 0) > 1.1 && (lengths.min() ?? 2) < 0.9)
    }

    @Test func `7: the own row counts in the mean of the simple loss`() {
        var s: [Float] = [0.5, -0.1, 0.2]
        var gradient: [Float] = [0, 0, 0]
        var x = s.mutableSpan
        var y = gradient.mutableSpan
        let loss = InstanceLoss(.simple).differentiate(&x, own: 0, into: &y)
        #expect(abs(loss - (0.2 - 0.5)) < 1e-6)
        #expect(abs(gradient[0] + 2.0 / 3) < 1e-6)
    }

    @Test func `3: rows do not depend on how many others there are or on who asks`() {
        // A step's answer for an anchor depends on its own z and the rows alone.
        var one = MemoryBank(MemoryBank.Settings(rowCount: 40, dim: 8, seed: 1))
        let z = random.normalTensor([6, 8])
        let loss = InstanceLoss(.contrastive, temperature: 0.2)
        one.open(step: 0)
        let all = one.answer(
            group: 0, embeddings: z, images: [0, 1, 2, 3, 4, 5], loss: loss, divisor: 6)
        one.open(step: 0)
        let part = one.answer(
            group: 1, embeddings: z.rows(2..<4), images: [2, 3], loss: loss, divisor: 6)
        for (a, b) in zip(all.gradient.rows(2..<4).values, part.gradient.values) {
            #expect(abs(a - b) < 1e-6)
        }
    }
}
