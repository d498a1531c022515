internal import Objectives
public import Optimizers
public import Tensors
internal import Kernels
internal import Threads

/// One row a class, trained by gradient like a classifier, of which each step uses a drawn part
/// (MLCD sheet, sections 2.3 to 2.6; PartialFC).
///
/// A step is `open`, one `answer` a group in any order, `commit`. All work is cut into blocks of
/// drawn rows of a fixed width, combined in rising order, and groups are combined in rising order
/// at commit: threads and arrival decide no bit. Rows that are not drawn keep weight and optimizer
/// state; optimizer state exists for rows that were ever drawn.
public struct CenterTable: Sendable {
    /// Size, draw, update and seed of a table.
    public struct Settings: Sendable, Hashable {
        /// k, the number of classes.
        public var rowCount: Int
        /// D, floats of a row.
        public var dim: Int
        /// r: m = floor(r k) rows are wanted in a step.
        public var rate: Double
        /// How drawn rows move.
        public var rule: UpdateRule
        /// The run's seed.
        public var seed: UInt64
        /// Threads at work on blocks; decides no bit.
        public var threads: Int

        /// A table with these facts.
        ///
        /// - Precondition: sizes are positive, 0 < `rate` <= 1.
        public init(
            rowCount: Int, dim: Int, rate: Double, rule: UpdateRule, seed: UInt64,
            threads: Int = 1
        ) {
            precondition(rowCount > 0 && rowCount <= Int(Int32.max), "\(rowCount) rows")
            precondition(dim > 0 && threads > 0, "rows of \(dim) floats, \(threads) threads")
            precondition(rate > 0 && rate <= 1, "a draw of \(rate) of all rows")
            self.rowCount = rowCount
            self.dim = dim
            self.rate = rate
            self.rule = rule
            self.seed = seed
            self.threads = threads
        }

        /// m, the number of rows wanted in a step.
        public var wanted: Int { Int(rate * Double(rowCount)) }
    }

    /// Standard deviation of a row's first values (PartialFC).
    public static let initialDeviation: Float = 0.01

    /// Size, draw, update and seed.
    public let settings: Settings
    /// W `[k, D]`.
    var rows: RowStore
    /// Moments of touched rows, by slot: one store for SGD, two for AdamW.
    var moments: [RowStore]
    /// The rows that were ever drawn, in order of their first draw; the place is the slot.
    var touched: [Int32] = []
    /// The slot of each row, -1 for one never drawn.
    var slots: [Int32]
    /// The updates made so far, which the bias correction counts.
    public internal(set) var updates = 0
    /// What the open step holds.
    var step: Step?
    /// A draw that was made ahead, with its step and positives.
    var ahead: (step: Int, positives: [Int32], draw: RowDraw)?

    /// The state of an open step.
    struct Step: Sendable {
        var number: Int
        var draw: RowDraw
        /// The drawn rows at unit length, in blocks.
        var blocks: [UnitRows]
        /// What groups contributed, by rising group.
        var contributions: [Contribution] = []
    }

    /// A group's part in the row gradients: G = dL/dc by blocks, and the unit embeddings.
    struct Contribution: Sendable {
        var group: Int
        var unit: Tensor
        var gradients: [Tensor]
        var cosines: CosineTotals
    }

    /// A table whose rows are normal numbers of deviation 0.01, row by row from the seed.
    public init(_ settings: Settings) {
        self.init(settings, rows: Self.initialRows(settings))
    }

    /// A table of these rows `[k, D]`.
    public init(_ settings: Settings, rows: Tensor) {
        precondition(
            rows.shape == [settings.rowCount, settings.dim],
            "rows \(rows.shape) for \(settings.rowCount) x \(settings.dim)")
        let chunks = Self.chunkRanges(settings.rowCount).map { rows.rows($0) }
        guard
            let store = RowStore(
                chunks: chunks, count: settings.rowCount, dim: settings.dim)
        else { preconditionFailure("chunks of a table do not fit") }
        self.init(settings, rows: store)
    }

    init(_ settings: Settings, rows: RowStore) {
        self.settings = settings
        self.rows = rows
        moments = (0..<settings.rule.momentCount).map { _ in
            RowStore(count: 0, dim: settings.dim)
        }
        slots = Array(repeating: -1, count: settings.rowCount)
    }

    /// The number of rows that were ever drawn.
    public var touchedCount: Int { touched.count }

    /// Bytes of memory, optimizer state included.
    public var byteCount: Int {
        rows.byteCount + moments.reduce(0) { $0 + $1.byteCount } + 4 * (slots.count + touched.count)
    }

    /// W `[k, D]`, copied.
    public var allRows: Tensor { rows.gathered(0..<Int32(settings.rowCount)) }

    /// Makes the draw of a later step whose positives are known, so that `open` finds it.
    public mutating func drawAhead(step: Int, positives: [Int32]) {
        ahead = (step, positives, draw(step: step, positives: positives))
    }

    /// Opens a step: draws its rows and brings them to unit length.
    ///
    /// A step that was open is forgotten: opening one again gives the same.
    ///
    /// - Parameter positives: P, the distinct classes of the whole batch, ascending.
    public mutating func open(step: Int, positives: [Int32]) {
        if let ahead, ahead.step == step, ahead.positives == positives {
            open(step: step, draw: ahead.draw)
        } else {
            open(step: step, draw: draw(step: step, positives: positives))
        }
        ahead = nil
    }

    /// Opens a step with a draw that is given.
    public mutating func open(step: Int, draw: RowDraw) {
        let store = rows
        let blocks = mapBlocks(
            count: Self.blockCount(of: draw), threads: settings.threads
        ) { UnitRows(store.gathered(draw.rows[Self.columns($0, of: draw)])) }
        self.step = Step(number: step, draw: draw, blocks: blocks)
    }

    /// The draw of the open step.
    public var currentDraw: RowDraw? { step?.draw }

    private func draw(step: Int, positives: [Int32]) -> RowDraw {
        RowDraw(
            positives: positives, rowCount: settings.rowCount, wanted: settings.wanted,
            keys: CounterKeys(seed: settings.seed, step: step))
    }

    /// The number of blocks of a draw.
    static func blockCount(of draw: RowDraw) -> Int {
        let width = ClassificationLoss.columnsPerBlock
        return (draw.rows.count + width - 1) / width
    }

    /// The columns of a block among the drawn rows.
    static func columns(_ block: Int, of draw: RowDraw) -> Range<Int> {
        let width = ClassificationLoss.columnsPerBlock
        return (block * width)..<min(draw.rows.count, (block + 1) * width)
    }

    static func chunkRanges(_ rowCount: Int) -> [Range<Int>] {
        stride(from: 0, to: rowCount, by: RowStore.chunkRows).map {
            $0..<min(rowCount, $0 + RowStore.chunkRows)
        }
    }

    /// Row i is drawn under the key i, so that it does not depend on the size of the table.
    private static func initialRows(_ settings: Settings) -> RowStore {
        let ranges = chunkRanges(settings.rowCount)
        let dim = settings.dim
        let chunks = mapBlocks(count: ranges.count, threads: settings.threads) { chunk in
            var rows = Tensor(uninitialized: [ranges[chunk].count, dim])
            var span = rows.mutableSpan
            var place = 0
            for row in ranges[chunk] {
                let random = CounterRandom(
                    seed: settings.seed, stream: .tableInitialisation, a: UInt64(row))
                var part = span._mutatingExtracting(place..<(place + dim))
                random.fillNormals(&part, deviation: initialDeviation)
                place += dim
            }
            return rows
        }
        guard let store = RowStore(chunks: chunks, count: settings.rowCount, dim: dim) else {
            preconditionFailure("chunks of a table do not fit")
        }
        return store
    }
}
