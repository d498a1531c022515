internal import Buffers
internal import Kernels
internal import Objectives
internal import Tensors

extension CenterTable {
    /// The state of an open step, or of one of its columns of labels where each has a draw.
    struct Step: Sendable {
        let number: Int
        let draw: RowDraw
        /// The coordinates that take part; nil: all.
        let features: FeatureSubset?
        /// How the drawn rows are cut.
        let shards: RowShards
        /// What groups contributed, by rising group.
        private(set) var contributions: [Contribution] = []
        /// Memory of the first shards, as many as the step may keep: exponentials of the groups
        /// side by side, later the row gradients.
        var tiles: [Tensor] = []
        /// How many of `tiles` hold row gradients instead.
        var gradientCount = 0
        /// Floats for each row in `tiles`.
        private var tileFloats = 0
        /// How many of them are given away.
        private var tileFloatsUsed = 0

        init(number: Int, draw: RowDraw, features: FeatureSubset?) {
            self.number = number
            self.draw = draw
            self.features = features
            shards = RowShards(rowCount: draw.rows.count)
        }
    }

    /// A group's part in the row gradients, or one of them where a group is large.
    struct Contribution: Sendable {
        var group: Int
        var pass: ClassificationPass
        /// Where in a row's part of `tiles` its exponentials begin; nil if none are kept.
        var tileStart: Int?
        var cosines: CosineTotals
    }

    /// A part of a step's tiles that is to be written.
    struct TilePart: Sendable {
        /// The tiles, by shard, to be put back when they are written.
        let shelf: TensorShelf
        /// Shards that have one.
        let count: Int
        /// Floats of a row before the part.
        let start: Int
        /// Floats of a row in it.
        let samples: Int

        /// The part of a shard's tensor.
        func place(of shard: Range<Int>, in shards: RowShards) -> Range<Int> {
            let first = start * shards.shardRows
            return first..<(first + samples * shard.count)
        }
    }
}

extension CenterTable.Step {
    /// The place of a class among the drawn rows.
    func column(of label: Int32) -> Int {
        guard let column = draw.position(of: label) else {
            preconditionFailure("class \(label) is positive but was not drawn in step \(number)")
        }
        return column
    }

    /// Files a contribution in group order, behind those of its own group.
    mutating func keep(_ contribution: CenterTable.Contribution) {
        let place = contributions.firstIndex { $0.group > contribution.group }
        contributions.insert(contribution, at: place ?? contributions.count)
    }

    /// Gets memory for exponentials, and later gradients, before the first group is answered.
    ///
    /// - Parameters:
    ///   - samples: of the whole step.
    ///   - bytes: how much, at most.
    mutating func reserveTiles(samples: Int, dim: Int, bytes: Int, pool: BufferPool) {
        guard contributions.isEmpty, tiles.isEmpty else { return }
        tileFloats = max(samples, dim)
        let floats = tileFloats * shards.shardRows
        let count = min(shards.count, bytes / (4 * floats))
        tiles = (0..<count).map { _ in Tensor(uninitialized: [floats], pool: pool) }
    }

    /// Takes the tiles out to write the exponentials of so many samples; nil if there is no room.
    mutating func takeTiles(samples: Int) -> CenterTable.TilePart? {
        guard tileFloatsUsed + samples <= tileFloats, !tiles.isEmpty else { return nil }
        let part = CenterTable.TilePart(
            shelf: TensorShelf(tiles), count: tiles.count, start: tileFloatsUsed, samples: samples)
        tiles = []
        tileFloatsUsed += samples
        return part
    }

    /// Gradients of some rows of a shard, but for what points along each row.
    ///
    /// - Parameters:
    ///   - block: which of the drawn rows.
    ///   - shard: in which they lie.
    ///   - tiles: the shard's tensor; nil if it has none.
    ///   - gradient: `[block.count, D]`.
    @_lifetime(gradient: copy gradient)
    func rowGradient(
        _ block: Range<Int>, of shard: Int, tiles: Tensor?, _ rows: some DrawnRows,
        into gradient: inout MutableSpan<Float>, pool: BufferPool
    ) {
        if contributions.isEmpty { Vector.fill(&gradient, with: 0) }
        let first = block.lowerBound - shards.rows(of: shard).lowerBound
        for (index, contribution) in contributions.enumerated() {
            let n = contribution.pass.sampleCount
            if let start = contribution.tileStart, let tiles {
                let place = start * shards.shardRows + first * n
                let tile = tiles.span.extracting(place..<(place + block.count * n))
                contribution.pass.rowGradient(
                    block, tile: tile, rows, isAdded: index > 0, into: &gradient, pool: pool)
            } else {
                contribution.pass.rowGradient(
                    block, tile: Span(), rows, isAdded: index > 0, into: &gradient, pool: pool)
            }
        }
    }
}
