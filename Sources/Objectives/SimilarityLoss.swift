/// A loss of one anchor over its similarities with rows that receive no gradient: those of a bank,
/// drawn rows, or a key and a queue.
public protocol SimilarityLoss: Sendable {
    /// The loss, and its gradient by the similarities.
    ///
    /// - Parameters:
    ///   - similarities: s `[n]`, raw; used as memory, so that its values are lost.
    ///   - own: the place of the positive.
    ///   - gradient: receives dL/ds `[n]` of this anchor alone, without the 1/B of a mean.
    /// - Returns: L.
    @_lifetime(similarities: copy similarities) @_lifetime(gradient: copy gradient)
    func differentiate(
        _ similarities: inout MutableSpan<Float>, own: Int,
        into gradient: inout MutableSpan<Float>
    ) -> Float
}
