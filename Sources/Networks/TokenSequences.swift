/// Texts as token numbers, all of one length: what a text encoder takes.
public struct TokenSequences: Sendable, Hashable {
    /// T, the tokens of a sequence, padding included.
    public let length: Int
    /// `[count, T]`, the tokens of one sequence behind those of another.
    public private(set) var tokens: [Int]
    /// Where in its sequence each text ends: the place of end-of-text.
    public private(set) var ends: [Int]

    /// No texts, of sequences of this length.
    public init(length: Int) {
        precondition(length > 0, "sequences of \(length) tokens")
        self.length = length
        tokens = []
        ends = []
    }

    /// The number of sequences.
    public var count: Int { ends.count }

    /// Adds a sequence.
    ///
    /// - Parameters:
    ///   - sequence: `length` tokens.
    ///   - end: the place of end-of-text among them.
    public mutating func append(_ sequence: [Int], end: Int) {
        precondition(
            sequence.count == length && sequence.indices.contains(end),
            "\(sequence.count) tokens that end at \(end), in sequences of \(length)")
        tokens += sequence
        ends.append(end)
    }

    /// The sequences with these numbers.
    public subscript(range: Range<Int>) -> TokenSequences {
        var part = TokenSequences(length: length)
        part.tokens = Array(tokens[(range.lowerBound * length)..<(range.upperBound * length)])
        part.ends = Array(ends[range])
        return part
    }
}
