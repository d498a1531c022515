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

/// The mean of each column of a matrix `[n, d]`, in the order of `SampleSurvey`.
public func columnMeans(_ features: Tensor) -> [Float] {
    precondition(features.shape.rank == 2, "columns of \(features.shape)")
    return columnMeans(of: Samples(matrix: features), threads: 1)
}
