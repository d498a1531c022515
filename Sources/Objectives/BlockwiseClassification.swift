import Kernels
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

/// A classification of embeddings against drawn rows, one block of rows after the other.
///
/// The whole computation of ``ClassificationLoss`` for rows that are at hand; a table that draws
/// from many rows gathers and multiplies block by block in the same way.
///
/// - Parameters:
///   - z: embeddings `[B, D]`, not normalised.
///   - rows: drawn rows `[M, D]`, not normalised.
///   - loss: a loss over B samples and M columns that has seen no block yet.
///   - columnsPerBlock: rows taken at a time; decides bits.
/// - Returns: losses, and gradients by `z` and `rows` through their normalisation.
public func classify(
    _ z: Tensor, against rows: Tensor, loss: ClassificationLoss,
    columnsPerBlock: Int = ClassificationLoss.columnsPerBlock
) -> ClassificationGradients {
    precondition(
        z.shape.rank == 2 && rows.shape.rank == 2 && z.shape[1] == rows.shape[1]
            && z.shape[0] == loss.sampleCount && rows.shape[0] == loss.columnCount,
        "classify \(z.shape) against \(rows.shape): \(loss.sampleCount) samples, "
            + "\(loss.columnCount) columns")
    precondition(columnsPerBlock > 0, "blocks of \(columnsPerBlock) columns")
    let (b, m, d) = (z.shape[0], rows.shape[0], z.shape[1])
    let (zHat, wHat) = (UnitRows(z), UnitRows(rows))
    var loss = loss
    // 1. Cosines, exponentials and sums of each block.
    var blocks: [(values: Tensor, partial: ClassificationPartial)] = []
    for first in stride(from: 0, to: m, by: columnsPerBlock) {
        let columns = first..<min(first + columnsPerBlock, m)
        var block = Tensor(uninitialized: [b, columns.count])
        var span = block.mutableSpan
        sgemm(
            transB: .transposed, m: b, n: columns.count, k: d, a: zHat.unit.span,
            b: wHat.unit.rows(columns).span, c: &span)
        let partial = loss.accumulate(
            &span, columns: columns,
            operands: CosineOperands(embeddings: zHat.unit, rows: wHat.unit.rows(columns)))
        blocks.append((block, partial))
    }
    // 2. The losses, once every block is in.
    let values = loss.finish()
    // 3. G, then dL/dz^ += G W^ and dL/dW^ = G^T z^ of each block.
    var gradientZ = Tensor(zeros: [b, d])
    var gradientW = Tensor(uninitialized: [m, d])
    for index in blocks.indices {
        let partial = blocks[index].partial
        let columns = partial.columns
        var g = blocks[index].values.mutableSpan
        loss.gradient(of: &g, partial)
        var spanZ = gradientZ.mutableSpan
        sgemm(
            m: b, n: d, k: columns.count, a: g.span, b: wHat.unit.rows(columns).span, beta: 1,
            c: &spanZ)
        var spanW = gradientW.mutableSpan
        var part = spanW._mutatingExtracting((columns.lowerBound * d)..<(columns.upperBound * d))
        sgemm(
            transA: .transposed, m: columns.count, n: d, k: b, a: g.span, b: zHat.unit.span,
            c: &part)
    }
    zHat.pullBack(&gradientZ)
    wHat.pullBack(&gradientW)
    return ClassificationGradients(values: values, embeddings: gradientZ, rows: gradientW)
}
