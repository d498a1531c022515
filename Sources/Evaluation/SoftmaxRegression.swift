internal import Kernels
public import Tensors
internal import Threads

/// The objective of a linear probe: C * sum of cross-entropies + |W|^2 / 2, the bias free (sheet
/// MLCD section 5; golden `linear_probe`).
///
/// Computed in double precision over blocks of rows of fixed size, whose sums are added in block
/// order: the bits do not depend on the number of threads.
public struct SoftmaxRegression: Sendable {
    /// `[n, d]`.
    public let samples: Tensor
    /// `[n]`, in `0..<classCount`.
    public let labels: [Int]
    /// Classes.
    public let classCount: Int
    /// C.
    public let weight: Double
    /// Without influence on any result.
    public let threads: Int

    /// Rows whose gradients are summed in one piece; decides bits.
    private let blockRows: Int
    /// Groups of eight classes.
    private var groups: Int { (classCount + 7) / 8 }
    private var width: Int { samples.shape[1] }

    /// A problem over `samples` and `labels` with C = `weight`.
    public init(
        samples: Tensor, labels: [Int], classCount: Int, weight: Double, blockRows: Int = 256,
        threads: Int
    ) {
        precondition(samples.shape.rank == 2, "samples \(samples.shape)")
        precondition(labels.count == samples.shape[0], "\(labels.count) labels")
        precondition(labels.allSatisfy { (0..<classCount).contains($0) }, "label range")
        precondition(weight > 0, "weight \(weight)")
        self.samples = samples
        self.labels = labels
        self.classCount = classCount
        self.weight = weight
        self.blockRows = blockRows
        self.threads = threads
    }

    /// Number of parameters: W `[classCount, d]` row by row, then the bias.
    public var parameterCount: Int { classCount * (width + 1) }

    /// Value and gradient at `parameters`.
    public func callAsFunction(
        _ parameters: [Double]
    ) -> (value: Double, gradient: [Double]) {
        let (loss, slopes) = crossEntropies(parameters)
        var value = weight * loss
        var gradient = slopes.map { weight * $0 }
        for column in 0..<width {
            for label in 0..<classCount {
                let place = label * width + column
                gradient[place] += parameters[place]
                value += parameters[place] * parameters[place] / 2
            }
        }
        return (value, gradient)
    }

    /// The sum of the samples' cross-entropies at `parameters`, and its gradient: the objective
    /// without C and without |W|^2.
    public func crossEntropies(
        _ parameters: [Double]
    ) -> (sum: Double, gradient: [Double]) {
        precondition(parameters.count == parameterCount, "\(parameters.count) parameters")
        let columns = byColumn(parameters)
        let n = labels.count
        let blocks = (n + blockRows - 1) / blockRows
        let parts = mapBlocks(count: blocks, threads: threads) { block in
            let first = block * blockRows
            return self.block(first..<min(n, first + blockRows), columns)
        }
        var loss = 0.0
        var sums = [SIMD8<Double>](repeating: .zero, count: columns.count)
        for part in parts {
            loss += part.loss
            for index in sums.indices { sums[index] += part.gradient[index] }
        }
        var gradient = [Double](repeating: 0, count: parameterCount)
        for column in 0...width {
            for label in 0..<classCount {
                let place = column < width ? label * width + column : classCount * width + label
                gradient[place] = sums[column * groups + label / 8][label % 8]
            }
        }
        return (loss, gradient)
    }

    /// The logits `[rows, classCount]` of other samples.
    public func logits(_ parameters: [Double], of rows: Tensor) -> [Float] {
        precondition(rows.shape.rank == 2 && rows.shape[1] == width, "samples \(rows.shape)")
        let columns = byColumn(parameters)
        var result: [Float] = []
        result.reserveCapacity(rows.shape[0] * classCount)
        var logits = [SIMD8<Double>](repeating: .zero, count: groups)
        for row in 0..<rows.shape[0] {
            score(rows.span, row, columns, into: &logits)
            for label in 0..<classCount { result.append(Float(logits[label / 8][label % 8])) }
        }
        return result
    }

    /// Loss and gradient sums of some rows, without C and without |W|^2.
    private func block(
        _ rows: Range<Int>, _ columns: [SIMD8<Double>]
    ) -> (loss: Double, gradient: [SIMD8<Double>]) {
        let values = samples.span
        var loss = 0.0
        var gradient = [SIMD8<Double>](repeating: .zero, count: columns.count)
        var logits = [SIMD8<Double>](repeating: .zero, count: groups)
        for row in rows {
            score(values, row, columns, into: &logits)
            loss += turnIntoGradient(&logits, label: labels[row])
            for group in 0..<groups {
                let slope = logits[group]
                for column in 0..<width {
                    gradient[column * groups + group].addProduct(
                        slope, SIMD8(repeating: Double(values[row * width + column])))
                }
                gradient[width * groups + group] += slope
            }
        }
        return (loss, gradient)
    }

    private func score(
        _ values: Span<Float>, _ row: Int, _ columns: [SIMD8<Double>],
        into logits: inout [SIMD8<Double>]
    ) {
        for group in 0..<groups {
            var sum = columns[width * groups + group]
            for column in 0..<width {
                sum.addProduct(
                    columns[column * groups + group],
                    SIMD8(repeating: Double(values[row * width + column])))
            }
            logits[group] = sum
        }
    }

    /// Replaces logits by softmax - onehot and returns the cross-entropy.
    private func turnIntoGradient(_ logits: inout [SIMD8<Double>], label: Int) -> Double {
        var highest = -Double.infinity
        for other in 0..<classCount { highest = max(highest, logits[other / 8][other % 8]) }
        let own = logits[label / 8][label % 8]
        var sum = 0.0
        for other in 0..<(8 * groups) {
            let e =
                other < classCount
                ? DoubleMath.exp(logits[other / 8][other % 8] - highest) : 0
            logits[other / 8][other % 8] = e
            sum += e
        }
        for group in 0..<groups { logits[group] /= sum }
        logits[label / 8][label % 8] -= 1
        return DoubleMath.log(sum, guess: LaneMath.log(Float(sum))) - (own - highest)
    }

    /// The parameters as one row of classes for each feature, the bias last, padded with zeros.
    private func byColumn(_ parameters: [Double]) -> [SIMD8<Double>] {
        var columns = [SIMD8<Double>](repeating: .zero, count: (width + 1) * groups)
        for label in 0..<classCount {
            for column in 0..<width {
                columns[column * groups + label / 8][label % 8] =
                    parameters[label * width + column]
            }
            columns[width * groups + label / 8][label % 8] =
                parameters[classCount * width + label]
        }
        return columns
    }
}
