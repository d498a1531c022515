import Buffers
import Networks
import Tensors
import Testing

@Suite struct TextTransformerTests {
    private static let settings = TextTransformer.Settings(
        vocabulary: 21, context: 12, width: 16, depth: 2, heads: 2, embeddingWidth: 10)
    private static let (layout, transformer): (ParameterLayout, TextTransformer) = {
        var layout = ParameterLayout()
        let transformer = TextTransformer(&layout, settings)
        return (layout, transformer)
    }()
    private static let parameters = layout.initialised(seed: 3)

    /// Texts whose tokens are drawn, ending at these places.
    private func texts(_ ends: [Int], seed: UInt64 = 1) -> TokenSequences {
        let random = CounterRandom(seed: seed, stream: .test)
        var texts = TokenSequences(length: Self.settings.context)
        for (text, end) in ends.enumerated() {
            let tokens = (0..<texts.length).map {
                random.integer(at: text * texts.length + $0, below: Self.settings.vocabulary)
            }
            texts.append(tokens, end: end)
        }
        return texts
    }

    /// A text with other tokens behind a place.
    private func changed(_ texts: TokenSequences, from place: Int, by shift: Int) -> TokenSequences
    {
        var result = TokenSequences(length: texts.length)
        for text in 0..<texts.count {
            var tokens = Array(
                texts.tokens[(text * texts.length)..<((text + 1) * texts.length)])
            for at in place..<texts.length {
                tokens[at] = (tokens[at] + shift) % Self.settings.vocabulary
            }
            result.append(tokens, end: texts.ends[text])
        }
        return result
    }

    private func pass(_ tape: Tape, isTraining: Bool = false) -> ForwardPass {
        ForwardPass(
            Self.layout, parameters: Self.parameters, buffers: Self.layout.initialisedBuffers(),
            tape: tape, isTraining: isTraining)
    }

    private func embedded(_ texts: TokenSequences) -> Tensor {
        Self.transformer(texts, pass(Tape())).value
    }

    @Test func `names, shapes and first values are those of CLIP's text encoder`() throws {
        let entries = Self.layout.entries
        #expect(
            entries.prefix(2).map(\.name) == ["token_embedding.weight", "positional_embedding"])
        #expect(entries.prefix(2).map(\.shape) == [[21, 16], [12, 16]])
        #expect(
            entries.suffix(3).map(\.name) == [
                "ln_final.weight", "ln_final.bias", "text_projection.weight",
            ])
        #expect(entries.last?.shape == [10, 16])
        let tokens = Self.layout.view(of: Self.parameters, 0).values
        let deviation = (tokens.reduce(0) { $0 + $1 * $1 } / Float(tokens.count)).squareRoot()
        #expect(abs(deviation - 0.02) < 0.003)
        let places = Self.layout.view(of: Self.parameters, 1).values
        let smaller = (places.reduce(0) { $0 + $1 * $1 } / Float(places.count)).squareRoot()
        #expect(abs(smaller - 0.01) < 0.002)
    }

    @Test func `what stands behind end-of-text changes no bit of the embedding`() {
        let first = texts([4, 7])
        let behind = changed(first, from: 8, by: 5)
        #expect(first.tokens != behind.tokens)
        #expect(embedded(first).isBitIdentical(to: embedded(behind)))
        // The last text's own end is at 7: what changes there, counts for it and not for the first.
        let at = changed(first, from: 7, by: 5)
        let (x, y) = (embedded(first), embedded(at))
        #expect(x.rows(0..<1).isBitIdentical(to: y.rows(0..<1)))
        #expect(!x.rows(1..<2).isBitIdentical(to: y.rows(1..<2)))
    }

    @Test func `an embedding depends on every token up to the end, and on their order`() {
        let text = texts([5])
        let whole = embedded(text)
        for place in 0...5 {
            var tokens = text.tokens
            tokens[place] = (tokens[place] + 1) % Self.settings.vocabulary
            var other = TokenSequences(length: text.length)
            other.append(tokens, end: 5)
            #expect(!embedded(other).isBitIdentical(to: whole), "token \(place)")
        }
        var tokens = text.tokens
        tokens[1] = (tokens[2] + 1) % Self.settings.vocabulary
        var (one, two) = (
            TokenSequences(length: text.length), TokenSequences(length: text.length)
        )
        one.append(tokens, end: 5)
        tokens.swapAt(1, 2)
        two.append(tokens, end: 5)
        #expect(!embedded(one).isBitIdentical(to: embedded(two)))
    }

    @Test func `a text's embedding does not depend on its batch`() {
        let all = texts([3, 9, 0, 11])
        let (x, y) = (embedded(all).rows(1..<3), embedded(all[1..<3]))
        for (a, b) in zip(x.values, y.values) { #expect(abs(a - b) < 1e-5) }
    }

    @Test func `the gradient of the flat parameters is the slope of the loss`() {
        let texts = texts([4, 11, 6])
        func loss(at parameters: Tensor) -> (value: Double, gradient: Tensor) {
            let tape = Tape()
            let pass = ForwardPass(
                Self.layout, parameters: parameters, buffers: Self.layout.initialisedBuffers(),
                tape: tape, isTraining: true)
            let z = Self.transformer(texts, pass)
            let cotangent = CounterRandom(seed: 7, stream: .test).normalTensor(z.shape)
            let value = zip(z.value.values, cotangent.values).reduce(0.0) {
                $0 + Double($1.0) * Double($1.1)
            }
            return (value, pass.flatGradient(of: [(z, cotangent)]))
        }
        // Along the gradient itself. Small embeddings bend the loss: a shorter way than for images.
        let gradient = loss(at: Self.parameters).gradient
        let length = gradient.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let way = gradient.scaled(by: 0.001 / length)
        let rise =
            loss(at: Self.parameters.adding(way)).value
            - loss(at: Self.parameters.adding(way.scaled(by: -1))).value
        #expect(abs(rise / Double(0.002 * length) - 1) < 2e-2)
    }

    @Test func `tokens that no text has get no gradient`() {
        var texts = TokenSequences(length: Self.settings.context)
        texts.append([1, 2, 3] + Array(repeating: 4, count: 9), end: 2)
        let tape = Tape()
        let pass = pass(tape, isTraining: true)
        let z = Self.transformer(texts, pass)
        let gradient = pass.flatGradient(of: [(z, Tensor(repeating: 1, shape: z.shape))])
        let table = Self.layout.view(of: gradient, 0)
        for token in 0..<Self.settings.vocabulary {
            let row = table.rows(token..<(token + 1)).values
            #expect(row.contains { $0 != 0 } == [1, 2, 3].contains(token), "token \(token)")
        }
    }

    @Test func `a second pass from the same pool allocates nothing`() {
        let texts = texts([4, 11, 6])
        func run(_ tape: Tape) {
            let pass = pass(tape, isTraining: true)
            let z = Self.transformer(texts, pass)
            _ = pass.flatGradient(of: [(z, Tensor(repeating: 1, shape: z.shape))])
        }
        let first = Tape()
        run(first)
        let allocations = first.pool.counts.allocations
        run(Tape(pool: first.pool))
        #expect(first.pool.counts.allocations == allocations)
    }
}
