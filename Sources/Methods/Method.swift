public import Datasets
public import Networks
public import Optimizers
public import RunFiles
public import Storage
public import Tensors

/// One of the systems that Pleiad trains: the registry holds one value of each.
///
/// A method is made from a run file once at start; it then makes its worker part and its
/// coordinator part, which meet only through exchanges, results and versions.
public protocol Method: Sendable {
    /// The name in run files, and of the method's own section there.
    static var name: String { get }
    /// Reads the sections that belong to the method (`network`, `views`, and its own); mistakes
    /// are recorded in the document.
    init(sections: RunSections, settings: RunSettings)
    /// The trained network's parameters and buffers.
    var layout: ParameterLayout { get }
    /// The exchange rounds of a step, in order; empty for a method without.
    var exchanges: [ExchangeRound] { get }
    /// The names of the sums in a slice's result, in order.
    var sumNames: [String] { get }
    /// What is wrong with a slice's input to a round, as a sentence; nil if it can be used.
    ///
    /// Inputs come from the wire: names and shapes are checked here before they count.
    func problem(with input: NamedTensors, round: Int, samples: Int) -> String?
    /// The part that computes slices, over the training images.
    func makeWorker(dataset: ImageDataset, seed: UInt64) -> any WorkerMethod
    /// The part that owns what is global.
    func makeCoordinator(dataset: ImageDataset, settings: RunSettings) -> any CoordinatorMethod
    /// The trained image encoder with its head, as evaluation takes it; nil for a method that
    /// trains none.
    var imageNetwork: EmbeddingNetwork? { get }
    /// The coordinates of an embedding that count in evaluation, the first ones.
    /// Optional: by default all of them.
    var evaluatedWidth: Int { get }
    /// Centers of classes with which embeddings are compared by cosine, for who looks at a run.
    /// Optional: by default there are none.
    var centers: CenterFiles? { get }
    /// A memory bank of one row a training image, for who looks at a run: the neighbours of its
    /// images are measured against it. Optional: by default there is none.
    var memoryBank: BankFiles? { get }
    /// Whether the embeddings are logits of the data set's classes, so that the network itself
    /// says what an image shows. Optional: by default they are not.
    var embedsLogits: Bool { get }
    /// How random views of an image are made in training, for who looks at what they have in
    /// common. Optional: by default unknown.
    var imageViews: ViewSettings? { get }
    /// How embeddings are told apart instance by instance: runs of such a method are analysed by
    /// `pleiad sweep`. Optional: by default they are not.
    var instanceContrast: InstanceContrast? { get }
    /// The file that the coordinator's part makes before the first step, for who makes many runs:
    /// what decides it may be the same in several. Optional: by default there is none.
    var preparedFile: PreparedFile? { get }
    /// Averages of the parameters that the coordinator keeps and workers derive: a teacher, a key
    /// encoder. Optional: by default there are none.
    var averages: ParameterAverages? { get }
    /// Bytes of tables that a checkpoint has in memory of its own on their way to the disk, at
    /// most, beside the copies that `checkpoint.copyBudget` bounds. Optional: by default none.
    var snapshotBytesMax: Int { get }
}

extension Method {
    /// All coordinates.
    public var evaluatedWidth: Int { imageNetwork?.embeddingWidth ?? 0 }

    /// No centers.
    public var centers: CenterFiles? { nil }

    /// No bank.
    public var memoryBank: BankFiles? { nil }

    /// They are not.
    public var embedsLogits: Bool { false }

    /// Unknown.
    public var imageViews: ViewSettings? { nil }

    /// They are not.
    public var instanceContrast: InstanceContrast? { nil }

    /// There is none.
    public var preparedFile: PreparedFile? { nil }

    /// There are none.
    public var averages: ParameterAverages? { nil }

    /// No tables.
    public var snapshotBytesMax: Int { 0 }
}

/// A file that a run makes before its first step, from its images, and keeps in its state
/// directory.
///
/// One that lies there already is taken, once it has been checked.
public struct PreparedFile: Hashable, Sendable {
    /// Its name in the state directory.
    public var name: String
    /// All of the method's settings that decide what is in it.
    public var settings: [String]
    /// A file of this name, decided by these settings.
    public init(name: String, settings: [String]) {
        self.name = name
        self.settings = settings
    }
}

/// One round of exchange in a step.
public struct ExchangeRound: Hashable, Sendable {
    /// The name, as `status` shows it.
    public var name: String
    /// Whether the answer to one sample depends on the others' inputs, so that the whole step is
    /// one answer group.
    public var mixesSamples: Bool
    /// A round with these facts.
    public init(name: String, mixesSamples: Bool) {
        self.name = name
        self.mixesSamples = mixesSamples
    }
}

/// What a slice's computation depends on, besides the version.
public struct SliceWork: Hashable, Sendable {
    /// The step, counted from 0.
    public var step: Int
    /// The slice, counted from 0.
    public var slice: Int
    /// The pass over the data in which the step lies.
    public var dataEpoch: UInt64
    /// Samples of the whole step: the divisor of means.
    public var stepSamples: Int
    /// Indices of the slice's samples in the data set, in order.
    public var samples: [Int]
    /// Whether activations may be kept while the slice is parked; if not, forward runs again.
    public var keepsActivations: Bool

    /// A slice's work with these facts.
    public init(
        step: Int, slice: Int, dataEpoch: UInt64, stepSamples: Int, samples: [Int],
        keepsActivations: Bool
    ) {
        self.step = step
        self.slice = slice
        self.dataEpoch = dataEpoch
        self.stepSamples = stepSamples
        self.samples = samples
        self.keepsActivations = keepsActivations
    }
}

/// The parameters as they stand when a step opens.
public struct VersionTensors: Sendable {
    /// Flat parameters `[P]`, in the order of the layout.
    public var parameters: Tensor
    /// Flat batch-norm buffers `[Q]`.
    public var buffers: Tensor
    /// Flat averages of the parameters `[P]`; nil in a method without.
    public var averages: Tensor?
    /// A version of these tensors.
    public init(parameters: Tensor, buffers: Tensor, averages: Tensor? = nil) {
        self.parameters = parameters
        self.buffers = buffers
        self.averages = averages
    }
}

/// What a slice's computation reports while it runs: read by the heartbeat.
public protocol SliceProgress: Sendable {
    /// The compute loop has made progress: a layer is done.
    func tick()
    /// The slice has entered backward.
    func beginBackward()
}

/// The worker's part of a method.
///
/// It holds nothing that cannot be lost.
public protocol WorkerMethod: Sendable {
    /// Loads and augments a slice's samples. May run on any thread, ahead of time; the result
    /// depends on the arguments and the run's seed alone.
    func views(of work: SliceWork) throws -> [Tensor]

    /// What the averages of a version follow from, in a method that has some. Optional: by default
    /// there are none.
    var averages: ParameterAverages? { get }

    /// About how many bytes the activations of a slice of so many samples take while it is parked:
    /// what the worker's activation budget counts.
    func activationBytes(sampleCount: Int) -> Int

    /// Computes a slice: forward, exchanges, backward (design: steps 3 to 5).
    ///
    /// `exchange` hands named tensors of a round to the coordinator and suspends until its answer
    /// is there; meanwhile the slot may run other slices.
    func run(
        _ work: SliceWork, views: [Tensor], version: VersionTensors,
        progress: any SliceProgress,
        exchange: (_ round: Int, _ input: NamedTensors) async throws -> NamedTensors
    ) async throws -> SliceResult
}

extension WorkerMethod {
    /// There are none.
    public var averages: ParameterAverages? { nil }

    /// Nothing: activations of a method that does not say are always kept.
    public func activationBytes(sampleCount: Int) -> Int { 0 }
}

/// A table as `status` shows it.
public struct TableSummary: Hashable, Sendable, Codable {
    /// The name.
    public var name: String
    /// Number of rows.
    public var rows: Int
    /// Length of a row.
    public var dim: Int
    /// Bytes of memory, optimizer state included.
    public var bytes: Int
    /// A table with these facts.
    public init(name: String, rows: Int, dim: Int, bytes: Int) {
        self.name = name
        self.rows = rows
        self.dim = dim
        self.bytes = bytes
    }
}

/// A named array of a checkpoint file.
public struct StateArray: Sendable {
    /// The array's values.
    public enum Values: Sendable {
        /// 32-bit floats of any shape.
        case floats(Tensor)
        /// 64-bit integers, one axis.
        case integers([Int64])
        /// 32-bit floats that are fetched when they are written.
        case source(any FloatSource)
    }
    /// The name.
    public var name: String
    /// The values.
    public var values: Values
    /// How the array differs from the checkpoint that changes are counted from.
    public var change: ArrayChange
    /// A named array.
    public init(_ name: String, _ values: Values, change: ArrayChange = .whole) {
        self.name = name
        self.values = values
        self.change = change
    }

    /// The same array as files and tables take it.
    public var changedArray: ChangedArray {
        let value: SafetensorsValue =
            switch values {
            case .floats(let tensor): .f32(tensor)
            case .source(let source): .source(source)
            case .integers(let values): .i64(values)
            }
        return ChangedArray(SafetensorsEntry(name, value), change)
    }
}

/// The coordinator's part of a method: tables and everything global.
///
/// One thread at a time uses it.
public protocol CoordinatorMethod: AnyObject {
    /// The tables, for `status`.
    var tables: [TableSummary] { get }
    /// Everything that is not made again from run file and data: for checkpoints and the tables'
    /// digest, in a fixed order.
    var state: [StateArray] { get }
    /// What `state` shows, for a checkpoint that is written while training goes on: whatever moves
    /// before it was fetched is copied, and `copies` bounds those copies. Optional: by default it
    /// is `state`, of which whatever moves meanwhile is copied whole and counted by nobody.
    ///
    /// Each array says how it differs from the state at the last call of `countChangesFromHere`, or
    /// from what `restore` says.
    func snapshot(copies: CopyBudget) -> [StateArray]
    /// The checkpoint of the state as it is becomes the base of later ones, which hold what has
    /// changed since. Optional: by default everything may have changed.
    func countChangesFromHere()
    /// Takes over the state of a checkpoint, each array with how it differs from the checkpoint's
    /// base. Throws if arrays are missing or of the wrong shape.
    func restore(_ state: [StateArray]) throws
    /// Makes what training needs and the state directory lacks (labels by clustering, ...), or
    /// loads it from there. `report` gets the fraction done (0...1) and a sentence. Cancelling the
    /// task stops it at its next report.
    func prepare(
        directory: String, report: (_ fraction: Double, _ what: String) -> Void) throws
    /// A step opens; the samples of every slice are known. What an opened step has gathered and not
    /// committed is forgotten: a step is opened again, or passed over.
    func open(step: Int, samples: [[Int]]) throws
    /// The samples of the step after the open one: what follows from them may be made ahead, while
    /// workers compute. Optional: by default nothing is.
    func foresee(step: Int, samples: [[Int]])
    /// Answers a group of slices of a round; inputs come in slice order and so do the answers, for
    /// the slices that hold samples (those of a short last batch may hold none).
    ///
    /// Called once a group; row gradients are summed in group order, whatever the order of calls.
    func answer(
        round: Int, group: Int, slices: Range<Int>, inputs: [NamedTensors]
    ) throws -> [NamedTensors]
    /// Every group of the open step has its answers: what `commit` needs may be made ahead, while
    /// workers compute. Nothing that `state` shows may move, since the step may still be opened
    /// again or passed over. Optional: by default nothing is made.
    func prepareCommit(step: Int)
    /// The step commits: tables move. `rate` is the step's learning rate, `result` the sum over
    /// the step. Returns figures for metrics and `status`, in a fixed order.
    func commit(step: Int, rate: Float, result: SliceResult) throws -> [SliceResult.Sum]
}

extension CoordinatorMethod {
    /// The state as it is.
    public func snapshot(copies: CopyBudget) -> [StateArray] { state }

    /// Nothing is counted.
    public func countChangesFromHere() {}

    /// Nothing is made ahead.
    public func foresee(step: Int, samples: [[Int]]) {}

    /// Nothing is made ahead.
    public func prepareCommit(step: Int) {}
}
