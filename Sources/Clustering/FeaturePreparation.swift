internal import Kernels
public import Tensors

/// What is done to features before they are clustered (sheet MLCD sections 2.1 and 6).
public struct FeaturePreparation: Hashable, Sendable {
    /// Subtract the mean of all samples (the reference run does, the paper's features need not).
    public var centred: Bool
    /// Scale every sample to unit length, after centring.
    public var unitLength: Bool

    /// The reference run's preparation by default: centred, then unit length.
    public init(centred: Bool = true, unitLength: Bool = true) {
        self.centred = centred
        self.unitLength = unitLength
    }

    /// The prepared features `[n, d]`.
    ///
    /// - Parameter bank: whose mean is subtracted; the features' own unless given.
    public func applied(to features: Tensor, centredLike bank: Tensor? = nil) -> Tensor {
        var result = features
        if centred { result = minus(columnMeans(bank ?? features), from: features) }
        return unitLength ? result.unitRows() : result
    }

    private func minus(_ means: [Float], from features: Tensor) -> Tensor {
        var result = Tensor(uninitialized: features.shape)
        var output = result.mutableSpan
        Rows.subtract(features.span, means.span, into: &output)
        return result
    }
}

/// The mean of each column of a matrix `[n, d]`, summed in row order in double precision.
public func columnMeans(_ features: Tensor) -> [Float] {
    precondition(features.shape.rank == 2, "columns of \(features.shape)")
    let (n, d) = (features.shape[0], features.shape[1])
    var sums = [Double](repeating: 0, count: d)
    let values = features.span
    for row in 0..<n {
        for column in 0..<d { sums[column] += Double(values[row * d + column]) }
    }
    return sums.map { Float($0 / Double(max(n, 1))) }
}

/// Throws if any feature is infinite or not a number, naming the first such sample.
func checkFinite(_ features: Tensor) throws(ClusteringError) {
    let values = features.span
    let d = features.shape[1]
    for row in 0..<features.shape[0] {
        guard Vector.isFinite(values.extracting((row * d)..<((row + 1) * d))) else {
            throw .notFinite(sample: row)
        }
    }
}
