internal import Kernels
public import Objectives
public import Tensors
internal import Threads

/// The newest keys of the batches before: a ring of rows of unit length, which serve as negatives
/// (He et al., "Momentum Contrast", CVPR 2020; sheet contrastive, section 2, alternatives).
///
/// A step is `open`, one `answer` a group in any order, `commit`. Losses see the queue as it stands
/// when the step opens; at commit the step's keys overwrite the oldest rows, in batch order.
public struct FeatureQueue: Sendable {
    /// Size and seed of a queue.
    public struct Settings: Sendable, Hashable {
        /// K, the number of rows.
        public var rowCount: Int
        /// D, floats of a row.
        public var dim: Int
        /// The run's seed.
        public var seed: UInt64
        /// Threads at work on blocks of anchors; decides no bit.
        public var threads: Int

        /// A queue with these facts.
        ///
        /// - Precondition: sizes are positive.
        public init(rowCount: Int, dim: Int, seed: UInt64, threads: Int = 1) {
            precondition(rowCount > 0 && rowCount <= Int(Int32.max), "\(rowCount) rows")
            precondition(dim > 0 && threads > 0, "rows of \(dim) floats, \(threads) threads")
            self.rowCount = rowCount
            self.dim = dim
            self.seed = seed
            self.threads = threads
        }
    }

    /// What a group of queries gets.
    public struct Answer: Sendable {
        /// dL/dz `[n, D]` by the queries' embeddings.
        public var gradient: Tensor
        /// The loss of each query.
        public var losses: [Float] = []
        /// The similarity of each query with its key.
        public var positives: [Float] = []
    }

    /// Size and seed.
    public let settings: Settings
    /// The rows `[K, D]`.
    var rows: RowStore
    /// The row that the next key overwrites.
    public internal(set) var pointer = 0
    /// The keys of the open step, by group.
    private var step: [(group: Int, keys: Tensor)]?

    /// A queue of normal numbers brought to unit length, row by row from the seed; MoCo's start.
    public init(_ settings: Settings) {
        let (seed, dim) = (settings.seed, settings.dim)
        self.init(
            settings,
            stored: RowStore(count: settings.rowCount, dim: dim, threads: settings.threads) {
                for (place, number) in $0.enumerated() {
                    let random = CounterRandom(
                        seed: seed, stream: .tableInitialisation, a: UInt64(number))
                    var row = $1._mutatingExtracting((place * dim)..<((place + 1) * dim))
                    random.fillNormals(&row, deviation: 1)
                    let length = Vector.sumOfSquares(row.span).squareRoot()
                    Vector.scale(&row, by: 1 / max(length, UnitRows.lengthMin))
                }
            })
    }

    /// A queue of these rows `[K, D]` of unit length, whose next key goes to row `pointer`.
    public init(_ settings: Settings, rows: Tensor, pointer: Int = 0) {
        precondition(
            rows.shape == [settings.rowCount, settings.dim],
            "rows \(rows.shape) for \(settings.rowCount) x \(settings.dim)")
        precondition(pointer >= 0 && pointer < settings.rowCount, "a pointer to row \(pointer)")
        self.init(settings, stored: RowStore(copying: rows, threads: settings.threads))
        self.pointer = pointer
    }

    init(_ settings: Settings, stored rows: RowStore) {
        self.settings = settings
        self.rows = rows
    }

    /// Bytes of memory.
    public var byteCount: Int { rows.byteCount }

    /// The rows `[K, D]`, copied.
    public var allRows: Tensor { rows.copied() }

    /// Opens a step; one that was open is forgotten.
    public mutating func open() { step = [] }

    /// Computes the losses of a group's queries, each against its key and the whole queue.
    ///
    /// - Parameters:
    ///   - group: the group's number in the step; each group once.
    ///   - embeddings: z `[n, D]` of the queries, not normalised.
    ///   - keys: `[n, D]`, not normalised; they receive no gradient.
    ///   - divisor: samples of the whole step.
    /// - Precondition: a step is open.
    public mutating func answer(
        group: Int, embeddings: Tensor, keys: Tensor, loss: InstanceLoss, divisor: Int
    ) -> Answer {
        guard var step = step.take() else {
            preconditionFailure("an answer without an open step")
        }
        precondition(
            embeddings.shape == keys.shape && keys.shape == [keys.shape[0], settings.dim],
            "embeddings \(embeddings.shape), keys \(keys.shape)")
        precondition(!step.contains { $0.group == group }, "group \(group) has its answer")
        let unitKeys = UnitRows(keys).unit
        let queue = WholeRows(rows)
        let blocks = InstanceDiscrimination.blocks(of: keys.shape[0])
        let parts = mapBlocks(count: blocks.count, threads: settings.threads) { block in
            InstanceDiscrimination.answer(
                embeddings.rows(blocks[block]), .keys(unitKeys.rows(blocks[block])),
                against: queue, loss, divisor: divisor)
        }
        var answer = Answer(gradient: Tensor(zeros: [0, settings.dim]))
        for part in parts {
            answer.gradient = answer.gradient.concatenatedRows(with: part.gradient)
            answer.losses += part.losses
            answer.positives += part.positives
        }
        step.append((group, unitKeys))
        step.sort { $0.group < $1.group }
        self.step = step
        return answer
    }

    /// Puts the step's keys into the queue, in the order of groups, which is that of the batch.
    ///
    /// - Precondition: they are at most as many as the queue has rows.
    public mutating func commit() {
        guard let step = step.take() else { preconditionFailure("a commit without an open step") }
        let count = step.reduce(0) { $0 + $1.keys.shape[0] }
        precondition(count <= settings.rowCount, "\(count) keys in \(settings.rowCount) rows")
        let places = (0..<count).map { Int32((pointer + $0) % settings.rowCount) }
        rows.separate(places, threads: settings.threads)
        let (access, dim) = (rows.access, settings.dim)
        var next = 0
        for group in step {
            for key in 0..<group.keys.shape[0] {
                access.withRow(places[next]) { row in
                    Vector.copy(
                        group.keys.span.extracting((key * dim)..<((key + 1) * dim)), into: &row)
                }
                next += 1
            }
        }
        pointer = (pointer + count) % settings.rowCount
    }
}
