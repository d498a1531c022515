internal import Buffers
internal import Kernels
public import Tensors

/// Where the positive of an anchor stands.
public enum AnchorPositives: Sendable {
    /// Among the rows: one row an anchor.
    case rows([Int])
    /// Before the rows: keys of unit length `[n, D]`, which receive no gradient.
    case keys(Tensor)
}

/// What anchors get for their embeddings.
public struct AnchorAnswer: Sendable {
    /// f, the embeddings at unit length, and their lengths.
    public let z: UnitRows
    /// dL/df `[n, D]`, of the mean over the whole step.
    public let unitGradient: Tensor
    /// The loss of each anchor `[n]`.
    public let losses: [Float]
    /// The similarity of each anchor with its positive `[n]`.
    public let positives: [Float]

    /// dL/dz `[n, D]`, z before it was brought to unit length.
    public var gradient: Tensor {
        var gradient = unitGradient
        z.pullBack(&gradient)
        return gradient
    }
}

/// Instance discrimination of anchors against all rows of a bank or a queue (sheet contrastive,
/// section 2): s = f V^T, a loss over each row of s, dL/df = (dL/ds) V.
///
/// An anchor sees the rows alone, never another anchor. So blocks of ``anchorsPerBlock`` anchors
/// are independent of each other, and each holds its own `[block, N]` of s, then of dL/ds, no more.
public enum InstanceDiscrimination {
    /// Anchors that are compared with all rows at a time: rows are read once for so many.
    public static let anchorsPerBlock = 32
    /// Rows of one matrix product: with 128 floats each they take a fourth of a second-level cache.
    static let rowsPerBlock = 512

    /// The blocks of `count` anchors.
    public static func blocks(of count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: anchorsPerBlock).map {
            $0..<min($0 + anchorsPerBlock, count)
        }
    }

    /// Losses and gradients of a block of anchors against all rows.
    ///
    /// - Parameters:
    ///   - embeddings: z `[n, D]`, not normalised; one block of the answer group.
    ///   - positives: of these anchors.
    ///   - rows: V `[N, D]`; no gradient by them.
    ///   - divisor: samples of the whole step.
    @inline(never)
    public static func answer(
        _ embeddings: Tensor, _ positives: AnchorPositives, against rows: some DrawnRows,
        _ loss: some SimilarityLoss, divisor: Int
    ) -> AnchorAnswer {
        let (n, dim) = (embeddings.shape[0], rows.dim)
        let z = UnitRows(embeddings)
        // dL/ds takes the place of s anchor by anchor.
        var s = similarities(z.unit, positives, rows)
        let width = s.shape[1]
        var (losses, own) = ([Float](), [Float]())
        var work = Tensor(uninitialized: [width])
        for anchor in 0..<n {
            let row = (anchor * width)..<((anchor + 1) * width)
            let place = positives.place(of: anchor)
            own.append(s.span[anchor * width + place])
            var memory = work.mutableSpan
            Vector.copy(s.span.extracting(row), into: &memory)
            var all = s.mutableSpan
            var gradient = all._mutatingExtracting(row)
            losses.append(loss.differentiate(&memory, own: place, into: &gradient))
        }
        var gradient = products(s, positives, rows)
        precondition(gradient.shape == [n, dim], "gradient \(gradient.shape)")
        var span = gradient.mutableSpan
        Vector.scale(&span, by: 1 / Float(divisor))
        return AnchorAnswer(z: z, unitGradient: gradient, losses: losses, positives: own)
    }

    /// s = f V^T `[n, N]`, with a first column for keys where there are any: `[n, 1 + N]`.
    public static func similarities(
        _ unit: Tensor, _ positives: AnchorPositives, _ rows: some DrawnRows
    ) -> Tensor {
        let (n, dim) = (unit.shape[0], rows.dim)
        precondition(unit.shape == [n, dim], "anchors \(unit.shape) against rows of \(dim)")
        positives.check(count: n, dim: dim, rowCount: rows.count)
        let first = positives.keyCount
        let width = first + rows.count
        var s = Tensor(uninitialized: [n, width])
        var span = s.mutableSpan
        if case .keys(let keys) = positives {
            for anchor in 0..<n {
                let row = (anchor * dim)..<((anchor + 1) * dim)
                span[anchor * width] = Vector.dot(
                    unit.span.extracting(row), keys.span.extracting(row))
            }
        }
        forEachBlock(of: rows) { block, v in
            let column = first + block.lowerBound
            var part = span._mutatingExtracting(column..<span.count)
            sgemm(
                transB: .transposed, m: n, n: block.count, k: dim, a: unit.span, b: v, c: &part,
                ldc: width)
        }
        return s
    }

    /// dL/df `[n, D]` from dL/ds, in rising order of rows.
    private static func products(
        _ slopes: Tensor, _ positives: AnchorPositives, _ rows: some DrawnRows
    ) -> Tensor {
        let (n, width, dim) = (slopes.shape[0], slopes.shape[1], rows.dim)
        let first = positives.keyCount
        var result = Tensor(zeros: [n, dim])
        var span = result.mutableSpan
        if case .keys(let keys) = positives {
            for anchor in 0..<n {
                let row = (anchor * dim)..<((anchor + 1) * dim)
                var part = span._mutatingExtracting(row)
                Vector.axpy(
                    slopes.span[anchor * width], keys.span.extracting(row), into: &part)
            }
        }
        forEachBlock(of: rows) { block, v in
            let column = first + block.lowerBound
            sgemm(
                m: n, n: dim, k: block.count,
                a: slopes.span.extracting(column..<slopes.count), b: v, beta: 1, c: &span,
                lda: width)
        }
        return result
    }

    /// Gives `body` the rows block by block, in rising order, `[block.count, D]`.
    private static func forEachBlock(
        of rows: some DrawnRows, _ body: (Range<Int>, Span<Float>) -> Void
    ) {
        let dim = rows.dim
        var memory = Tensor(uninitialized: [min(rowsPerBlock, rows.count) * dim])
        var first = 0
        while first < rows.count {
            let block = first..<min(first + rowsPerBlock, rows.count)
            rows.withRows(block, &memory) { body(block, $0) }
            first = block.upperBound
        }
    }
}

extension AnchorPositives {
    /// Columns that keys take before the rows.
    var keyCount: Int {
        switch self {
        case .rows: 0
        case .keys: 1
        }
    }

    /// The column of an anchor's positive.
    func place(of anchor: Int) -> Int {
        switch self {
        case .rows(let rows): rows[anchor]
        case .keys: 0
        }
    }

    /// Traps if these are not the positives of so many anchors.
    func check(count: Int, dim: Int, rowCount: Int) {
        switch self {
        case .rows(let rows):
            precondition(rows.count == count, "\(rows.count) positives of \(count) anchors")
            precondition(
                rows.allSatisfy { $0 >= 0 && $0 < rowCount }, "a positive beyond \(rowCount) rows")
        case .keys(let keys):
            precondition(keys.shape == [count, dim], "keys \(keys.shape) of \(count) anchors")
        }
    }
}
