internal import Buffers
public import Optimizers
public import Tensors

/// One row a class, trained by gradient like a classifier, of which each step uses a drawn part
/// (MLCD sheet, sections 2.3 to 2.6; PartialFC).
///
/// A step is `open`, one `answer` a group in any order, `makeGradients` while workers compute,
/// `commit`. All work is cut into shards of drawn rows that follow from their number, combined in
/// rising order, and groups are combined in rising order: threads and arrival decide no bit. Rows
/// that are not drawn keep weight and optimizer state, unless the table is `dense`; optimizer state
/// exists for rows that ever moved.
///
/// A step has one draw for all labels of a sample, or one for each column of labels (`Settings`).
public struct CenterTable: Sendable {
    /// Which rows an update moves (MLCD sheet, section 2.5).
    public enum Update: String, Sendable, Hashable, CaseIterable {
        /// The drawn ones; the others keep weight and moments (PartialFC v1).
        case rows
        /// All: the gradient of rows that are not drawn is 0, so that they decay and move by their
        /// moments (PartialFC v2, UNICOM).
        case dense
    }

    /// Which drawn rows are negatives of a sample, besides its own positives, which never are.
    public enum Negatives: String, Sendable, Hashable, CaseIterable {
        /// All of them, other samples' positives included (PartialFC).
        case drawn
        /// m rows drawn whatever the batch holds: equation 5 read to the letter.
        case literal
    }

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
        /// Threads at work on shards and chunks; decides no bit.
        public var threads: Int
        /// Bytes that a step may keep between its answers and its commit.
        ///
        /// What does not fit is computed twice. Decides no bit.
        public var stepBytes: Int
        /// Which rows an update moves.
        public var update = Update.rows
        /// Which drawn rows are negatives.
        public var negatives = Negatives.drawn
        /// F, the coordinates of which each step draws a subset anew; nil: all D take part.
        public var features: Int?
        /// The greatest norm of the gradient by all rows; 0 for no clipping.
        public var clipNorm = 0.0

        /// 256 MiB, of which 256 samples and 100,000 rows of 512 floats take 200.
        public static let stepBytesDefault = 256 << 20

        /// A table with these facts.
        ///
        /// - Precondition: sizes are positive, 0 < `rate` <= 1.
        public init(
            rowCount: Int, dim: Int, rate: Double, rule: UpdateRule, seed: UInt64,
            threads: Int = 1, stepBytes: Int = stepBytesDefault
        ) {
            precondition(rowCount > 0 && rowCount <= Int(Int32.max), "\(rowCount) rows")
            precondition(dim > 0 && threads > 0, "rows of \(dim) floats, \(threads) threads")
            precondition(stepBytes >= 0, "\(stepBytes) bytes for a step")
            precondition(rate > 0 && rate <= 1, "a draw of \(rate) of all rows")
            self.rowCount = rowCount
            self.dim = dim
            self.rate = rate
            self.rule = rule
            self.seed = seed
            self.threads = threads
            self.stepBytes = stepBytes
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
    /// Which rows have moved since the checkpoint that later ones hold the changes of.
    var changes: ChangedRows
    /// The updates made so far, which the bias correction counts.
    public internal(set) var updates = 0
    /// What the open step holds: a part for each draw, one as a rule; empty if no step is open.
    var steps: [Step] = []
    /// Draws that were made ahead, with their step and positives.
    var ahead: (step: Int, columns: [[Int32]], draws: [RowDraw])?
    /// Memory of steps, used again by the next one.
    let pool = BufferPool()

    /// A table whose rows are normal numbers of deviation 0.01, row by row from the seed.
    public init(_ settings: Settings) {
        self.init(settings, rows: Self.initialRows(settings))
    }

    /// The same table, whose first rows are made when they are needed: one that is restored needs
    /// none.
    public init(unmade settings: Settings) {
        self.init(settings, rows: RowStore(count: 0, dim: settings.dim))
    }

    /// Makes the first rows if there are none yet.
    ///
    /// A step, a move and a snapshot do so by themselves.
    public mutating func makeFirstRows() {
        if rows.count == 0 { rows = Self.initialRows(settings) }
    }

    /// A table of these rows `[k, D]`.
    public init(_ settings: Settings, rows: Tensor) {
        precondition(
            rows.shape == [settings.rowCount, settings.dim],
            "rows \(rows.shape) for \(settings.rowCount) x \(settings.dim)")
        self.init(settings, rows: RowStore(copying: rows, threads: settings.threads))
    }

    init(_ settings: Settings, rows: RowStore) {
        self.settings = settings
        self.rows = rows
        // Of a dense table every row has a slot from the start: its own number.
        let touchedCount = settings.update == .dense ? settings.rowCount : 0
        moments = (0..<settings.rule.momentCount).map { _ in
            RowStore(count: touchedCount, dim: settings.dim)
        }
        touched = Array(0..<Int32(touchedCount))
        slots = touchedCount > 0 ? touched : Array(repeating: -1, count: settings.rowCount)
        changes = ChangedRows(rowCount: settings.rowCount)
    }

    /// The number of rows that were ever drawn.
    public var touchedCount: Int { touched.count }

    /// Bytes of memory, optimizer state included.
    public var byteCount: Int {
        4 * settings.rowCount * settings.dim + moments.reduce(0) { $0 + $1.byteCount }
            + 5 * slots.count + 4 * touched.count
    }

    /// W `[k, D]`, copied.
    public var allRows: Tensor { rows.copied() }

    /// Makes the draw of a later step whose positives are known, so that `open` finds it.
    public mutating func drawAhead(step: Int, positives: [Int32]) {
        drawAhead(step: step, columns: [positives])
    }

    /// Makes the draws of a later step, one a column of labels.
    public mutating func drawAhead(step: Int, columns: [[Int32]]) {
        ahead = (step, columns, draws(step: step, columns: columns))
    }

    /// Opens a step: draws its rows.
    ///
    /// A step that was open is forgotten: opening one again gives the same.
    ///
    /// - Parameter positives: P, the distinct classes of the whole batch, ascending.
    public mutating func open(step: Int, positives: [Int32]) {
        open(step: step, columns: [positives])
    }

    /// Opens a step in which every column of labels has a draw of its own.
    ///
    /// - Parameter columns: of each column the distinct classes of the whole batch, ascending.
    public mutating func open(step: Int, columns: [[Int32]]) {
        if let ahead, ahead.step == step, ahead.columns == columns {
            open(step: step, draws: ahead.draws)
        } else {
            open(step: step, draws: draws(step: step, columns: columns))
        }
        ahead = nil
    }

    /// Opens a step with draws that are given.
    ///
    /// - Parameter features: the coordinates that take part; nil for those of this step.
    public mutating func open(step: Int, draws: [RowDraw], features: FeatureSubset? = nil) {
        precondition(!draws.isEmpty, "step \(step) has no draw")
        makeFirstRows()
        let features =
            features
            ?? settings.features.map {
                FeatureSubset(count: $0, of: settings.dim, seed: settings.seed, step: step)
            }
        steps = draws.map { Step(number: step, draw: $0, features: features) }
    }

    /// The draw of the open step, the first if there are several.
    public var currentDraw: RowDraw? { steps.first?.draw }

    /// The draws of the open step, by column of labels; empty if none is open.
    public var currentDraws: [RowDraw] { steps.map(\.draw) }

    /// The coordinates that take part in the open step; nil: all.
    public var currentFeatures: FeatureSubset? { steps.first?.features }

    /// Column c draws by keys of its own.
    private func draws(step: Int, columns: [[Int32]]) -> [RowDraw] {
        columns.enumerated().map { column, positives in
            let keys = CounterKeys(seed: settings.seed, step: step, column: column)
            switch settings.negatives {
            case .drawn:
                return RowDraw(
                    positives: positives, rowCount: settings.rowCount, wanted: settings.wanted,
                    keys: keys)
            case .literal:
                return RowDraw.literal(
                    positives: positives, rowCount: settings.rowCount, wanted: settings.wanted,
                    keys: keys)
            }
        }
    }

    /// Row i is drawn under the key i, so that it does not depend on the size of the table.
    private static func initialRows(_ settings: Settings) -> RowStore {
        let (seed, dim) = (settings.seed, settings.dim)
        return RowStore(count: settings.rowCount, dim: dim, threads: settings.threads) {
            for (place, row) in $0.enumerated() {
                let random = CounterRandom(
                    seed: seed, stream: .tableInitialisation, a: UInt64(row))
                var part = $1._mutatingExtracting((place * dim)..<((place + 1) * dim))
                random.fillNormals(&part, deviation: initialDeviation)
            }
        }
    }
}
