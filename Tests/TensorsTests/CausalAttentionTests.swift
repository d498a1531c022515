import Tensors
import Testing

/// Attention that looks back alone, against attention over prefixes.
@Suite struct CausalAttentionTests {
    /// Small heads, heads with tails, and heads that are computed in panels.
    static let shapes: [(tokens: Int, width: Int, heads: Int)] = [
        (4, 8, 1), (9, 18, 2), (130, 64, 1),
    ]

    private func attended(_ qkv: Tensor, heads: Int, isCausal: Bool) -> Tensor {
        selfAttention(Tape().constant(qkv), heads: heads, isCausal: isCausal).value
    }

    @Test(arguments: shapes)
    func `a token's result is that of the last token of its prefix`(
        tokens: Int, width: Int, heads: Int
    ) {
        let qkv = sample([1, tokens, 3 * width], 1)
        let causal = attended(qkv, heads: heads, isCausal: true).values
        for token in [0, 1, tokens / 2, tokens - 1] {
            let prefix = Tensor(
                Array(qkv.values[..<((token + 1) * 3 * width)]), shape: [1, token + 1, 3 * width])
            let whole = attended(prefix, heads: heads, isCausal: false).values
            for place in 0..<width {
                let (found, expected) = (
                    causal[token * width + place], whole[token * width + place]
                )
                #expect(abs(found - expected) < 1e-5, "token \(token), \(found), \(expected)")
            }
        }
    }

    @Test(arguments: shapes)
    func `later tokens change no bit of earlier ones and get no gradient from them`(
        tokens: Int, width: Int, heads: Int
    ) {
        let (one, two) = (sample([1, tokens, 3 * width], 1), sample([1, tokens, 3 * width], 2))
        let kept = tokens / 2
        let cut = kept * 3 * width
        let mixed = Tensor(
            Array(one.values[..<cut]) + Array(two.values[cut...]), shape: one.shape)
        let (first, second) = (
            attended(one, heads: heads, isCausal: true),
            attended(mixed, heads: heads, isCausal: true)
        )
        let same = kept * width
        #expect(
            first.values[..<same].map(\.bitPattern) == second.values[..<same].map(\.bitPattern))
        #expect(first.values[same...] != second.values[same...])

        let tape = Tape()
        let leaf = tape.leaf(one)
        let early = selfAttention(leaf, heads: heads, isCausal: true).sliced(axis: 1, 0..<kept)
        let gradient = tape.gradients(
            of: [(early, sample(early.shape, 3))], for: [leaf])[0].values
        #expect(gradient[cut...].allSatisfy { $0 == 0 })
        #expect(gradient[..<cut].contains { $0 != 0 })
    }
}
