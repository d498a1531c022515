internal import Buffers
internal import Kernels
public import Tensors

/// Instance discrimination of anchors against rows that each of them has drawn (sheet contrastive,
/// section 2, alternatives): noise-contrastive estimation, and the softmax over drawn rows.
///
/// Draws are made with replacement: a row may stand in a list twice, and counts twice. The own row
/// stands first. Rows stay where they are: those of one anchor at a time are gathered.
public enum DrawnDiscrimination {
    /// The similarities of anchors with their drawn rows, `[n, K + 1]`.
    ///
    /// - Parameters:
    ///   - unit: f `[n, D]`, of unit length.
    ///   - draws: K + 1 rows of each anchor, its own first.
    @inline(never)
    public static func similarities(
        _ unit: Tensor, draws: [[Int32]], rows: some DrawnRows
    ) -> Tensor {
        let (n, dim) = (unit.shape[0], rows.dim)
        let width = draws.first?.count ?? 0
        precondition(
            unit.shape == [n, dim] && draws.count == n && draws.allSatisfy { $0.count == width },
            "anchors \(unit.shape), \(draws.count) draws of \(width) rows")
        var result = Tensor(uninitialized: [n, width])
        var memory = Tensor(uninitialized: [width, dim])
        for anchor in 0..<n {
            gather(draws[anchor], rows, into: &memory)
            var all = result.mutableSpan
            var part = all._mutatingExtracting((anchor * width)..<((anchor + 1) * width))
            sgemm(
                transB: .transposed, m: 1, n: width, k: dim,
                a: unit.span.extracting((anchor * dim)..<((anchor + 1) * dim)), b: memory.span,
                c: &part)
        }
        return result
    }

    /// Losses and gradients of a block of anchors.
    ///
    /// - Parameters:
    ///   - embeddings: z `[n, D]`, not normalised.
    ///   - draws: K + 1 rows of each anchor, its own first.
    ///   - divisor: samples of the whole step.
    @inline(never)
    public static func answer(
        _ embeddings: Tensor, draws: [[Int32]], against rows: some DrawnRows,
        _ loss: some SimilarityLoss, divisor: Int
    ) -> AnchorAnswer {
        let (n, dim) = (embeddings.shape[0], rows.dim)
        let z = UnitRows(embeddings)
        var s = similarities(z.unit, draws: draws, rows: rows)
        let width = s.shape[1]
        var gradient = Tensor(uninitialized: [n, dim])
        var memory = Tensor(uninitialized: [width, dim])
        var slopes = Tensor(uninitialized: [width])
        var (losses, positives) = ([Float](), [Float]())
        for anchor in 0..<n {
            positives.append(s.span[anchor * width])
            var all = s.mutableSpan
            var row = all._mutatingExtracting((anchor * width)..<((anchor + 1) * width))
            var slope = slopes.mutableSpan
            losses.append(loss.differentiate(&row, own: 0, into: &slope))
            gather(draws[anchor], rows, into: &memory)
            var target = gradient.mutableSpan
            var part = target._mutatingExtracting((anchor * dim)..<((anchor + 1) * dim))
            sgemm(m: 1, n: dim, k: width, a: slopes.span, b: memory.span, c: &part)
        }
        var span = gradient.mutableSpan
        Vector.scale(&span, by: 1 / Float(divisor))
        return AnchorAnswer(z: z, unitGradient: gradient, losses: losses, positives: positives)
    }

    private static func gather(
        _ draw: [Int32], _ rows: some DrawnRows, into memory: inout Tensor
    ) {
        let dim = rows.dim
        var span = memory.mutableSpan
        for (place, row) in draw.enumerated() {
            precondition(row >= 0 && Int(row) < rows.count, "row \(row) of \(rows.count)")
            var part = span._mutatingExtracting((place * dim)..<((place + 1) * dim))
            rows.copy(Int(row)..<(Int(row) + 1), into: &part)
        }
    }
}
