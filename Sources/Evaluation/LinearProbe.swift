public import Tensors

/// A linear classifier on frozen features, fitted by L-BFGS (sheet MLCD section 5).
public struct LinearProbe: Sendable {
    /// `[classCount, d]`, row by row.
    public let weights: [Double]
    /// `[classCount]`; shifted to mean 0, since a common shift changes nothing.
    public let bias: [Double]
    /// The objective at the end.
    public let objective: Double
    /// Iterations of L-BFGS made.
    public let iterations: Int
    /// Whether it converged within the iterations allowed.
    public let converged: Bool
    private let problem: SoftmaxRegression

    /// Minimises C * sum of cross-entropies + |W|^2 / 2 from zero.
    ///
    /// - Parameters:
    ///   - samples: `[n, d]`, standardised if so wanted.
    ///   - weight: C.
    ///   - threads: without influence on the result.
    public init(
        samples: Tensor, labels: [Int], classCount: Int, weight: Double,
        optimizer: LBFGS = LBFGS(), threads: Int
    ) {
        problem = SoftmaxRegression(
            samples: samples, labels: labels, classCount: classCount, weight: weight,
            threads: threads)
        let start = [Double](repeating: 0, count: problem.parameterCount)
        let result = optimizer.minimise(from: start) { [problem] in problem($0) }
        let width = samples.shape[1]
        let free = result.x[(classCount * width)...]
        let mean = free.reduce(0, +) / Double(classCount)
        weights = Array(result.x[..<(classCount * width)])
        bias = free.map { $0 - mean }
        objective = result.value
        iterations = result.iterations
        converged = result.converged
    }

    /// The logits `[rows, classCount]` of samples.
    public func logits(of rows: Tensor) -> [Float] {
        problem.logits(weights + bias, of: rows)
    }
}

/// Mean and deviation of each feature of a bank, to standardise it and others by.
public struct FeatureStandardiser: Sendable {
    /// One mean a feature.
    public let mean: [Double]
    /// One deviation a feature, with n - 1 in the denominator, plus 1e-6 (the reference run's).
    public let deviation: [Double]

    /// Statistics of a bank `[n, d]`, n at least 2, summed in row order.
    public init(of bank: Tensor) {
        precondition(bank.shape.rank == 2 && bank.shape[0] > 1, "bank \(bank.shape)")
        let (n, d) = (bank.shape[0], bank.shape[1])
        let values = bank.span
        var sums = [Double](repeating: 0, count: d)
        for row in 0..<n {
            for column in 0..<d { sums[column] += Double(values[row * d + column]) }
        }
        let mean = sums.map { $0 / Double(n) }
        var squares = [Double](repeating: 0, count: d)
        for row in 0..<n {
            for column in 0..<d {
                let away = Double(values[row * d + column]) - mean[column]
                squares[column] += away * away
            }
        }
        self.mean = mean
        deviation = squares.map { ($0 / Double(n - 1)).squareRoot() + 1e-6 }
    }

    /// (x - mean) / deviation of rows `[m, d]`.
    public func applied(to rows: Tensor) -> Tensor {
        let d = mean.count
        precondition(rows.shape.rank == 2 && rows.shape[1] == d, "rows \(rows.shape)")
        var result = Tensor(uninitialized: rows.shape)
        var output = result.mutableSpan
        let values = rows.span
        for row in 0..<rows.shape[0] {
            for column in 0..<d {
                let away = Double(values[row * d + column]) - mean[column]
                output[row * d + column] = Float(away / deviation[column])
            }
        }
        return result
    }
}
