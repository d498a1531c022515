/// How a method tells instances apart by their similarities: what an analysis of its embeddings
/// asks about.
public struct InstanceContrast: Hashable, Sendable {
    /// tau of the softmax over similarities; nil for a loss that is linear in them.
    public var temperature: Double?
    /// The nearest rows that the loss looks at; nil where all count, or drawn ones.
    public var hardest: Int?

    /// The contrast of a loss with this temperature, over all rows or the nearest.
    public init(temperature: Double?, hardest: Int? = nil) {
        self.temperature = temperature
        self.hardest = hardest
    }
}
