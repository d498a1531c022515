internal import Kernels
internal import Tensors

/// Rows of floats in chunks of a fixed number of rows.
///
/// Chunks let a table grow without moving what it has, and let a checkpoint hold on to the rows
/// while training goes on: writing copies the chunks that are written, one at a time.
struct RowStore: Sendable {
    /// Rows of a chunk: 32 MiB at 512 floats a row.
    static let chunkRows = 16384

    /// The number of rows.
    private(set) var count: Int
    /// Floats of a row.
    let dim: Int
    /// `[chunkRows, dim]` each, the last with the rows that remain.
    private(set) var chunks: [Tensor]

    /// Rows of zeros.
    init(count: Int, dim: Int) {
        self.count = 0
        self.dim = dim
        chunks = []
        grow(to: count)
    }

    /// The rows of these chunks, or `nil` if they do not follow one another as chunks do.
    init?(chunks: [Tensor], count: Int, dim: Int) {
        var left = count
        for chunk in chunks {
            let rows = min(left, Self.chunkRows)
            guard rows > 0, chunk.shape == [rows, dim] else { return nil }
            left -= rows
        }
        guard left == 0 else { return nil }
        self.count = count
        self.dim = dim
        self.chunks = chunks
    }

    /// Bytes of memory.
    var byteCount: Int { 4 * count * dim }

    /// Adds rows of zeros at the end.
    mutating func grow(to newCount: Int) {
        precondition(newCount >= count, "a row store does not shrink")
        if let last = chunks.last, last.shape[0] < Self.chunkRows, newCount > count {
            let whole = min(Self.chunkRows, last.shape[0] + newCount - count)
            var wider = Tensor(zeros: [whole, dim])
            var target = wider.mutableSpan
            Blocks.copy(last.span, into: &target, at: 0)
            count += whole - last.shape[0]
            chunks[chunks.count - 1] = wider
        }
        while count < newCount {
            let rows = min(Self.chunkRows, newCount - count)
            chunks.append(Tensor(zeros: [rows, dim]))
            count += rows
        }
    }

    /// Copies the rows with these numbers into a tensor `[rows.count, dim]`.
    func gathered(_ rows: some Collection<Int32>) -> Tensor {
        var result = Tensor(uninitialized: [rows.count, dim])
        var target = result.mutableSpan
        var place = 0
        for row in rows {
            let chunk = chunks[Int(row) / Self.chunkRows]
            let start = Int(row) % Self.chunkRows * dim
            Blocks.copy(chunk.span, from: start, count: dim, into: &target, at: place)
            place += dim
        }
        return result
    }

    /// Writes `values` `[rows.count, dim]` to the rows with these numbers.
    mutating func scatter(_ values: Tensor, to rows: some RandomAccessCollection<Int32>) {
        precondition(
            values.shape == [rows.count, dim],
            "\(values.shape) does not fill \(rows.count) rows of \(dim)")
        let source = values.span
        var place = 0
        var index = rows.startIndex
        while index < rows.endIndex {
            let chunk = Int(rows[index]) / Self.chunkRows
            var target = chunks[chunk].mutableSpan
            while index < rows.endIndex, Int(rows[index]) / Self.chunkRows == chunk {
                let start = Int(rows[index]) % Self.chunkRows * dim
                Blocks.copy(source, from: place, count: dim, into: &target, at: start)
                place += dim
                index = rows.index(after: index)
            }
        }
    }
}
