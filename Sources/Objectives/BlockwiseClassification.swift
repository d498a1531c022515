internal import Buffers
public import Tensors

/// The result of a classification: losses and the gradient of their mean.
public struct ClassificationGradients: Sendable {
    /// The losses of the samples, and figures.
    public let values: ClassificationValues
    /// dL/dz, `[B, D]`.
    public let embeddings: Tensor
    /// dL/dW, `[M, D]`.
    public let rows: Tensor
}

/// A classification of embeddings against rows that are at hand: ``ClassificationPass`` shard after
/// shard, on one thread.
///
/// - Parameters:
///   - z: embeddings `[B, D]`, not normalised; all of them are one pass.
///   - rows: drawn rows `[M, D]`, not normalised.
///   - divisor: samples of the whole step.
///   - negatives: which rows may be negatives; nil: all.
///   - shardRows: rows of a shard, which decide bits; by default those of a table.
///   - keepsTiles: whether exponentials wait for dL/dW or are made again, with the same bits.
/// - Returns: losses, and gradients by `z` and `rows` through their normalisation.
public func classify(
    _ z: Tensor, against rows: Tensor, _ settings: ClassificationSettings,
    positives: PositiveColumns, divisor: Int, negatives: [Bool]? = nil, shardRows: Int? = nil,
    keepsTiles: Bool = true
) -> ClassificationGradients {
    precondition(
        z.shape.rank == 2 && rows.shape.rank == 2 && z.shape[1] == rows.shape[1],
        "classify \(z.shape) against \(rows.shape)")
    let (b, m, d) = (z.shape[0], rows.shape[0], z.shape[1])
    let (unit, w, pool) = (UnitRows(z), MatrixRows(rows), BufferPool())
    let cosines = ClassificationPass.positiveCosines(unit, positives, of: 0..<b, w)
    let loss = ClassificationLoss(
        settings, positives: positives, cosines: cosines, columnCount: m, divisor: divisor,
        negatives: negatives)
    var pass = ClassificationPass(unit, loss: loss)
    // 1. Each shard's exponentials, sums and products.
    var tiles = Tensor(uninitialized: [keepsTiles ? m * b : 0])
    let shards = RowShards(rowCount: m, shardRows: shardRows)
    let ranges = (0..<shards.count).map { shards.rows(of: $0) }
    var answers: [ClassificationPass.ShardAnswer] = []
    for range in ranges {
        var span = tiles.mutableSpan
        let place = keepsTiles ? (range.lowerBound * b)..<(range.upperBound * b) : 0..<0
        var tile = span._mutatingExtracting(place)
        answers.append(pass.answer(range, w, tile: &tile, pool: pool))
    }
    // 2. The losses and dL/dz, once every shard is in.
    let values = pass.close(answers.map(\.sums))
    var gradientZ = pass.unitGradient(of: 0..<b, products: answers.map(\.products), w)
    pass.pullBack(&gradientZ)
    // 3. dL/dW.
    var gradientW = Tensor(uninitialized: [m, d])
    var span = gradientW.mutableSpan
    for range in ranges {
        let place = keepsTiles ? (range.lowerBound * b)..<(range.upperBound * b) : 0..<0
        var target = span._mutatingExtracting((range.lowerBound * d)..<(range.upperBound * d))
        pass.rowGradient(
            range, tile: tiles.span.extracting(place), w, isAdded: false, into: &target,
            pool: pool)
    }
    for row in 0..<m {
        let range = (row * d)..<((row + 1) * d)
        var g = span._mutatingExtracting(range)
        UnitRows.flatten(&g, along: rows.span.extracting(range))
    }
    return ClassificationGradients(values: values, embeddings: gradientZ, rows: gradientW)
}
