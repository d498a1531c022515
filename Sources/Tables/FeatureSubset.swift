public import Tensors

/// The coordinates of embeddings and rows that take part in a step (UNICOM; MLCD sheet, section
/// 2.4, "feature sampling").
///
/// One subset a step, of z and of W alike, taken before either is brought to unit length. The
/// gradient by a coordinate that takes no part is 0.
public struct FeatureSubset: Sendable, Hashable {
    /// The coordinates, rising.
    public let places: [Int]
    /// D, coordinates there are.
    public let dim: Int

    /// Coordinates that are given, in any order.
    ///
    /// - Precondition: they are distinct and lie below `dim`.
    public init(_ places: [Int], of dim: Int) {
        self.places = places.sorted()
        self.dim = dim
        precondition(
            zip(self.places, self.places.dropFirst()).allSatisfy { $0 < $1 }
                && (self.places.first ?? 0) >= 0 && (self.places.last ?? 0) < dim,
            "coordinates \(places) of \(dim)")
    }

    /// The subset of a step: a function of seed and step alone.
    public init(count: Int, of dim: Int, seed: UInt64, step: Int) {
        let random = CounterRandom(seed: seed, stream: .featureSubset, a: UInt64(step))
        self.init(Array(random.permutation(dim).prefix(count)), of: dim)
    }

    /// F, the number of coordinates.
    public var count: Int { places.count }

    /// These coordinates of a row.
    ///
    /// - Parameters:
    ///   - row: D floats.
    ///   - target: F floats.
    @inline(never) @_lifetime(target: copy target)
    func take(_ row: Span<Float>, into target: inout MutableSpan<Float>) {
        precondition(row.count == dim && target.count == count, "\(row.count) of \(dim) floats")
        for index in 0..<places.count { target[index] = row[places[index]] }
    }

    /// A row with these coordinates and 0 elsewhere.
    ///
    /// - Parameters:
    ///   - part: F floats.
    ///   - target: D floats.
    @inline(never) @_lifetime(target: copy target)
    func spread(_ part: Span<Float>, into target: inout MutableSpan<Float>) {
        precondition(target.count == dim && part.count == count, "\(target.count) of \(dim)")
        for index in 0..<dim { target[index] = 0 }
        for index in 0..<places.count { target[places[index]] = part[index] }
    }

    /// These columns of a matrix `[n, D]`: `[n, F]`.
    public func taken(from matrix: Tensor) -> Tensor {
        let n = matrix.shape[0]
        var result = Tensor(uninitialized: [n, count])
        var all = result.mutableSpan
        for row in 0..<n {
            var part = all._mutatingExtracting((row * count)..<((row + 1) * count))
            take(matrix.span.extracting((row * dim)..<((row + 1) * dim)), into: &part)
        }
        return result
    }

    /// A matrix `[n, D]` with the columns of `[n, F]`, and 0 elsewhere.
    public func spread(_ matrix: Tensor) -> Tensor {
        let n = matrix.shape[0]
        var result = Tensor(uninitialized: [n, dim])
        var all = result.mutableSpan
        for row in 0..<n {
            var part = all._mutatingExtracting((row * dim)..<((row + 1) * dim))
            spread(matrix.span.extracting((row * count)..<((row + 1) * count)), into: &part)
        }
        return result
    }
}
