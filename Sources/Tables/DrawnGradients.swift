internal import Buffers
internal import Kernels
internal import Objectives
internal import Tensors

/// The gradients by all rows that a step's draws hold together, but for what points along each
/// row: made block by block, as often as they are asked for.
///
/// For steps with several draws, whose gradients are added up in the order of the draws, and for
/// those whose gradient is looked at as a whole before any row moves.
struct DrawnGradients: Sendable {
    /// How the rows are cut.
    let shards: RowShards
    /// Floats of a gradient: the coordinates that take part.
    let dim: Int

    private let rows: [Int32]
    private let parts: [(step: CenterTable.Step, drawn: StoredRows)]
    private let pool: BufferPool

    /// - Parameters:
    ///   - steps: the draws, every group of which has its answers.
    ///   - rows: the rows of all of them, rising.
    ///   - store: the table's rows.
    init(of steps: [CenterTable.Step], _ rows: [Int32], in store: RowStore, pool: BufferPool) {
        self.rows = rows
        self.pool = pool
        shards = RowShards(rowCount: rows.count)
        dim = steps[0].features?.count ?? store.dim
        parts = steps.map {
            ($0, StoredRows(store, numbers: $0.draw.rows, features: $0.features))
        }
    }

    /// Gives the gradients of some rows to `body`, block after block.
    @inline(never)
    func forEachBlock(
        of range: Range<Int>,
        _ body: (_ block: Range<Int>, _ gradient: inout MutableSpan<Float>) -> Void
    ) {
        var memory = Tensor(uninitialized: [RowShards.blockRows * dim], pool: pool)
        var scratch = Tensor(uninitialized: [RowShards.blockRows * dim], pool: pool)
        for block in RowShards.blocks(of: range) {
            var all = memory.mutableSpan
            var gradient = all._mutatingExtracting(0..<(block.count * dim))
            Vector.fill(&gradient, with: 0)
            for part in parts { add(part.step, part.drawn, in: block, to: &gradient, &scratch) }
            body(block, &gradient)
        }
    }

    /// Adds the gradients by those rows of a block that one of the draws holds.
    @_lifetime(gradient: copy gradient)
    private func add(
        _ step: CenterTable.Step, _ drawn: StoredRows, in block: Range<Int>,
        to gradient: inout MutableSpan<Float>, _ scratch: inout Tensor
    ) {
        var first = step.draw.place(from: rows[block.lowerBound])
        let end = step.draw.place(from: rows[block.upperBound - 1] + 1)
        var target = block.lowerBound
        while first < end {
            let shard = first / step.shards.shardRows
            let begin = step.shards.rows(of: shard).lowerBound
            let piece = first..<min(end, step.shards.rows(of: shard).upperBound)
            var memory = scratch.mutableSpan
            var part = memory._mutatingExtracting(0..<(piece.count * dim))
            let tiles = shard < step.tiles.count ? step.tiles[shard] : nil
            if shard < step.gradientCount, let made = tiles {
                Blocks.copy(
                    made.span, from: (piece.lowerBound - begin) * dim, count: piece.count * dim,
                    into: &part, at: 0)
            } else {
                step.rowGradient(piece, of: shard, tiles: tiles, drawn, into: &part, pool: pool)
            }
            for place in piece {
                while rows[target] < step.draw.rows[place] { target += 1 }
                let to = (target - block.lowerBound) * dim
                var g = gradient._mutatingExtracting(to..<(to + dim))
                let from = (place - piece.lowerBound) * dim
                Vector.add(part.span.extracting(from..<(from + dim)), to: &g)
            }
            first = piece.upperBound
        }
    }
}
