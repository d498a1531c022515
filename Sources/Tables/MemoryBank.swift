internal import Kernels
public import Objectives
public import Tensors
internal import Threads

/// One row a training image: an average of the image's embeddings, against which every anchor is
/// compared (sheet contrastive, sections 2 and 3; Wu et al., CVPR 2018).
///
/// A step is `open`, one `answer` a group in any order, `commit`. A step's losses see the rows as
/// they stand when it opens; at commit the rows of its images move towards the features that the
/// losses were computed from, in batch order, each row once. Blocks of anchors are cut within their
/// group, so threads and arrival decide no bit.
public struct MemoryBank: Sendable {
    /// Size, momentum and seed of a bank.
    public struct Settings: Sendable, Hashable {
        /// N, the number of images.
        public var rowCount: Int
        /// D, floats of a row.
        public var dim: Int
        /// m, the share of a row that stays.
        public var momentum: Float
        /// The run's seed.
        public var seed: UInt64
        /// Threads at work on blocks of anchors; decides no bit.
        public var threads: Int

        /// A bank with these facts.
        ///
        /// - Precondition: sizes are positive, 0 <= `momentum` < 1.
        public init(
            rowCount: Int, dim: Int, momentum: Float = 0.5, seed: UInt64, threads: Int = 1
        ) {
            precondition(rowCount > 0 && rowCount <= Int(Int32.max), "\(rowCount) rows")
            precondition(dim > 0 && threads > 0, "rows of \(dim) floats, \(threads) threads")
            precondition(momentum >= 0 && momentum < 1, "a momentum of \(momentum)")
            self.rowCount = rowCount
            self.dim = dim
            self.momentum = momentum
            self.seed = seed
            self.threads = threads
        }
    }

    /// What a group of anchors gets.
    public struct Answer: Sendable {
        /// dL/dz `[n, D]`.
        public var gradient: Tensor
        /// The loss of each anchor.
        public var losses: [Float] = []
        /// The similarity of each anchor with its own row.
        public var positives: [Float] = []
        /// f `[n, D]`, the embeddings at unit length.
        public var features: Tensor
    }

    /// Size, momentum and seed.
    public let settings: Settings
    /// V `[N, D]`.
    var rows: RowStore
    /// What the open step has gathered.
    private var step: Step?

    private struct Step {
        var number: Int
        /// Of each group that was answered: its images and their features.
        var groups: [(group: Int, images: [Int], features: Tensor)] = []
    }

    /// A bank whose rows are uniform numbers, row by row from the seed; they are not normalised.
    public init(_ settings: Settings) {
        let (seed, dim, bound) = (settings.seed, settings.dim, Self.startBound(settings.dim))
        self.init(
            settings,
            stored: RowStore(count: settings.rowCount, dim: dim, threads: settings.threads) {
                for (place, row) in $0.enumerated() {
                    let random = CounterRandom(
                        seed: seed, stream: .tableInitialisation, a: UInt64(row))
                    for index in 0..<dim {
                        $1[place * dim + index] = Self.start(
                            random.uniform(at: index), bound: bound)
                    }
                }
            })
    }

    /// A bank of these rows `[N, D]`.
    public init(_ settings: Settings, rows: Tensor) {
        precondition(
            rows.shape == [settings.rowCount, settings.dim],
            "rows \(rows.shape) for \(settings.rowCount) x \(settings.dim)")
        self.init(settings, stored: RowStore(copying: rows, threads: settings.threads))
    }

    init(_ settings: Settings, stored rows: RowStore) {
        self.settings = settings
        self.rows = rows
    }

    /// The first values of rows from uniform numbers u in [0, 1): 2 q u - q, q = 1 / sqrt(D / 3).
    ///
    /// Rows have length 1 on average.
    ///
    /// - Parameter uniform: `[n, D]`.
    public static func startRows(_ uniform: Tensor) -> Tensor {
        let bound = startBound(uniform.shape.last)
        var rows = uniform
        var span = rows.mutableSpan
        for index in 0..<span.count { span[index] = start(span[index], bound: bound) }
        return rows
    }

    private static func startBound(_ dim: Int) -> Float { 1 / (Float(dim) / 3).squareRoot() }

    @inline(__always)
    private static func start(_ uniform: Float, bound: Float) -> Float {
        uniform * (2 * bound) - bound
    }

    /// Bytes of memory.
    public var byteCount: Int { rows.byteCount }

    /// V `[N, D]`, copied.
    public var allRows: Tensor { rows.copied() }

    /// Opens a step; one that was open is forgotten.
    public mutating func open(step: Int) { self.step = Step(number: step) }

    /// Computes the losses of a group against all rows, and their gradient by the embeddings.
    ///
    /// - Parameters:
    ///   - group: the group's number in the step; each group once.
    ///   - embeddings: z `[n, D]`, not normalised.
    ///   - images: the row of each anchor.
    ///   - divisor: samples of the whole step.
    /// - Precondition: a step is open.
    public mutating func answer(
        group: Int, embeddings: Tensor, images: [Int], loss: InstanceLoss, divisor: Int
    ) -> Answer {
        let v = WholeRows(rows)
        return answer(group: group, embeddings, images) { part, range in
            InstanceDiscrimination.answer(
                part, .rows(Array(images[range])), against: v, loss, divisor: divisor)
        }
    }

    /// The same against rows that each anchor has drawn.
    ///
    /// - Parameter draws: K + 1 rows of each anchor, its own first.
    public mutating func answer(
        group: Int, embeddings: Tensor, draws: [[Int32]], loss: some SimilarityLoss, divisor: Int
    ) -> Answer {
        let v = WholeRows(rows)
        return answer(group: group, embeddings, draws.map { Int($0[0]) }) { part, range in
            DrawnDiscrimination.answer(
                part, draws: Array(draws[range]), against: v, loss, divisor: divisor)
        }
    }

    /// The similarities of anchors with rows they have drawn, `[n, K + 1]`.
    ///
    /// - Parameter embeddings: z `[n, D]`, not normalised.
    public func similarities(_ embeddings: Tensor, draws: [[Int32]]) -> Tensor {
        let v = WholeRows(rows)
        let blocks = InstanceDiscrimination.blocks(of: embeddings.shape[0])
        let parts = mapBlocks(count: blocks.count, threads: settings.threads) { block in
            DrawnDiscrimination.similarities(
                UnitRows(embeddings.rows(blocks[block])).unit, draws: Array(draws[blocks[block]]),
                rows: v)
        }
        return parts.dropFirst().reduce(parts[0]) { $0.concatenatedRows(with: $1) }
    }

    private mutating func answer(
        group: Int, _ embeddings: Tensor, _ images: [Int],
        _ block: @escaping @Sendable (Tensor, Range<Int>) -> AnchorAnswer
    ) -> Answer {
        guard var step = step.take() else {
            preconditionFailure("an answer without an open step")
        }
        precondition(
            embeddings.shape == [images.count, settings.dim],
            "embeddings \(embeddings.shape) of \(images.count) images")
        precondition(!step.groups.contains { $0.group == group }, "group \(group) has its answer")
        let blocks = InstanceDiscrimination.blocks(of: images.count)
        let parts = mapBlocks(count: blocks.count, threads: settings.threads) {
            block(embeddings.rows(blocks[$0]), blocks[$0])
        }
        let none = Tensor(zeros: [0, settings.dim])
        var answer = Answer(gradient: none, features: none)
        for part in parts {
            answer.gradient = answer.gradient.concatenatedRows(with: part.gradient)
            answer.features = answer.features.concatenatedRows(with: part.z.unit)
            answer.losses += part.losses
            answer.positives += part.positives
        }
        step.groups.append((group, images, answer.features))
        step.groups.sort { $0.group < $1.group }
        self.step = step
        return answer
    }

    /// Moves the rows of the step's images: v <- (m v + (1 - m) f) / |m v + (1 - m) f|.
    ///
    /// In the order of groups, which is that of the batch. An image that stands in the batch twice
    /// moves its row once, towards its first feature.
    ///
    /// - Returns: the features of the step `[B, D]` in batch order, with their images.
    @discardableResult
    public mutating func commit() -> (features: Tensor, images: [Int]) {
        guard let step = step.take() else { preconditionFailure("a commit without an open step") }
        var features = Tensor(zeros: [0, settings.dim])
        var images: [Int] = []
        for group in step.groups {
            features = features.concatenatedRows(with: group.features)
            images += group.images
        }
        move(images, toward: features)
        return (features, images)
    }

    private mutating func move(_ images: [Int], toward features: Tensor) {
        let (dim, keep) = (settings.dim, settings.momentum)
        var isMoved = Set<Int>()
        let first = images.indices.filter { isMoved.insert(images[$0]).inserted }
        rows.separate(first.map { Int32(images[$0]) }, threads: settings.threads)
        let access = rows.access
        for place in first {
            access.withRow(Int32(images[place])) { row in
                Vector.blend(
                    &row, by: keep,
                    with: features.span.extracting((place * dim)..<((place + 1) * dim)),
                    by: 1 - keep)
                let length = Vector.sumOfSquares(row.span).squareRoot()
                Vector.scale(&row, by: 1 / max(length, UnitRows.lengthMin))
            }
        }
    }
}
