internal import Networks

/// Text as its UTF-8 bytes between a begin and an end token, padded to one length.
///
/// CLIP has a vocabulary of 49,408 byte pairs, learnt from its captions; bytes need no file.
struct ByteTokens: Hashable, Sendable {
    /// In front of every text.
    static let begin = 256
    /// Behind every text: what the text has become there is its feature.
    static let end = 257
    /// Behind the end, up to the context's length.
    static let padding = 258
    /// V: 256 bytes and three more.
    static let vocabulary = 259

    /// T, the tokens of every text.
    let context: Int

    /// Bytes of a text that fit; the rest is cut off.
    var bytesMax: Int { context - 2 }

    /// Texts as sequences of `context` tokens.
    func sequences(of texts: [String]) -> TokenSequences {
        var sequences = TokenSequences(length: context)
        for text in texts {
            let bytes = text.utf8.prefix(bytesMax).map { Int($0) }
            let tokens = [Self.begin] + bytes + [Self.end]
            let rest = Array(repeating: Self.padding, count: context - tokens.count)
            sequences.append(tokens + rest, end: tokens.count - 1)
        }
        return sequences
    }
}
