public import Datasets
public import Identity
import Networks
public import Optimizers
public import RunFiles

/// A run file, understood: what coordinator, workers and offline commands all start from.
public struct RunPlan: Sendable {
    /// The parts that every run has.
    public let settings: RunSettings
    /// The method with its own settings.
    public let method: any Method
    /// What the encoder begins with where the run file names weights (`network.weights`).
    public let startingWeights: StartingWeights?
    /// Every key with its value.
    public let resolved: ResolvedRunFile

    /// Reads the run file at `path`, with these keys set to other values.
    ///
    /// - Throws: every mistake at once, each with key and line.
    public init(
        contentsOf path: String, setting settings: [KeySetting] = []
    ) throws(RunFileError) {
        try self.init(RunDocument(contentsOf: path, setting: settings))
    }

    /// Reads a run file's text; `file` names it in mistakes.
    ///
    /// - Throws: every mistake at once, each with key and line.
    public init(text: String, file: String) throws(RunFileError) {
        try self.init(RunDocument(text: text, file: file))
    }

    private init(_ document: RunDocument) throws(RunFileError) {
        let root = document.root
        settings = RunSettings(from: root, methods: MethodRegistry.names)
        // A name that is not registered is a mistake already; another method then stands in for
        // it, so that the other sections are still checked.
        let type = MethodRegistry.method(named: settings.method) ?? MethodRegistry.standIn
        let sections = RunSections(of: root, method: type.name)
        method = type.init(sections: sections, settings: settings)
        let given = StartingWeights.read(from: sections.network)
        startingWeights = given?.weights
        let encoder = method.imageNetwork?.encoderLayout
        if encoder == nil, given != nil {
            sections.network.reject(
                "weights", "are an image encoder's, and \(type.name) trains none",
                allowed: "no weights")
        }
        if encoder == nil, settings.evaluate.isOn {
            root.sub("evaluate").reject(
                settings.evaluate.everyEpoch ? "everyEpoch" : "every",
                "measures an image encoder, and \(type.name) trains none",
                allowed: settings.evaluate.everyEpoch ? "false" : "0")
        }
        resolved = try document.finish()
        guard let file = given?.file, let encoder else { return }
        do throws(WeightFileError) {
            _ = try file.weights(of: encoder)
        } catch {
            sections.network.reject("weights", "\(error)")
            try document.finish()
        }
    }

    /// The version with which the run begins: drawn values, or those of the weights it names.
    ///
    /// - Throws: `WeightFileError` if the weights cannot be used or are not the run's.
    public func firstVersion() throws -> VersionTensors {
        let drawn = VersionTensors(
            parameters: method.layout.initialised(seed: settings.seed),
            buffers: method.layout.initialisedBuffers())
        var first = try startingWeights?.applied(to: drawn, of: method) ?? drawn
        if method.averages != nil { first.averages = first.parameters }
        return first
    }

    /// Digest of the keys that decide bits: equal for everyone who may take part in a run.
    public var configDigest: Digest { sha256(Array(resolved.bitsText.utf8)) }

    /// Loads the data set from `directory`, or from where the run file says.
    public func loadData(
        directory: String? = nil
    ) throws(DatasetError) -> (train: ImageDataset, test: ImageDataset) {
        let place = directory ?? settings.data.path ?? FashionMNIST.defaultDirectory
        var (train, test) = images(cutFrom: try FashionMNIST.load(directory: place))
        if let count = settings.data.count {
            guard count <= train.count else {
                throw .fewerSamples(name: train.name, count: train.count, wanted: count)
            }
            train = train.prefix(count)
        }
        let batch = settings.batch
        guard !batch.dropLast || batch.samples <= train.count else {
            throw .tooFewSamples(name: train.name, count: train.count, batch: batch.samples)
        }
        return (train, test)
    }

    /// Patches to test on; fewer where fewer are trained on.
    private static let testPatchesMax = 10_000

    /// The images themselves, or the patches that the run file asks for.
    private func images(
        cutFrom whole: (train: ImageDataset, test: ImageDataset)
    ) -> (train: ImageDataset, test: ImageDataset) {
        guard let wanted = settings.data.patches else { return whole }
        func cut(_ images: ImageDataset, _ count: Int) -> ImageDataset {
            images.patches(ImagePatches(side: wanted.side, count: count, seed: wanted.seed))
        }
        return (
            cut(whole.train, wanted.count),
            cut(whole.test, min(wanted.count, Self.testPatchesMax))
        )
    }

    /// Which samples each step trains on, out of `count`.
    public func sampler(count: Int) -> StepSampler {
        StepSampler(
            count: count, batch: settings.batch.samples, slices: settings.batch.slices,
            dropLast: settings.batch.dropLast, seed: settings.seed,
            sampling: settings.sampling == .sharded ? .sharded : .global,
            shardCount: min(settings.data.shards, count))
    }

    /// The learning rate of every step.
    public var schedule: LearningRateSchedule { LearningRateSchedule(settings) }

    /// What the nodes of the gradient tree are rounded to.
    public var gradientPrecision: GradientPrecision {
        switch settings.gradients {
        case .f32: .f32
        case .bf16: .bf16
        }
    }

    /// Trained values of the network.
    public var parameterCount: Int { method.layout.parameterCount }

    /// Bytes that gradients take at the coordinator at most, whatever the number of workers: nodes
    /// of the gradient tree travel on credits.
    public var gradientBytesMax: Int {
        let layout = method.layout
        // Whatever the setting, a tree of S slices needs its height + 2 credits.
        let height = Int.bitWidth - (settings.batch.slices - 1).leadingZeroBitCount
        return max(settings.coordinator.nodeCredits, height + 2)
            * 4 * (layout.flatCount + layout.bufferLayout.flatCount)
    }

    /// Bytes of parameters, buffers and moments that a checkpoint keeps as they were while the next
    /// steps are made.
    public var checkpointParameterBytes: Int {
        let layout = method.layout
        let moments = UpdateRule(settings.optimizer).momentCount
        let averages = method.averages == nil ? 0 : 1
        return 4 * (layout.flatCount * (1 + moments + averages) + layout.bufferLayout.flatCount)
    }

    /// Bytes that a checkpoint takes beside the run's state while it is written, at most: copied
    /// rows of tables, copied parameters, and what is on its way to the disk.
    public var checkpointBytesMax: Int {
        settings.checkpoint.copyBudget + checkpointParameterBytes + method.snapshotBytesMax
    }

    /// The answer groups of each exchange round (design section 2, point 4): aligned runs of a
    /// power of two of slices, the shortest that holds the settings' number of samples; the whole
    /// step where the method mixes samples.
    public var answerGroups: [[Range<Int>]] {
        let slices = settings.batch.slices
        var run = 1
        while run < slices
            && run * (settings.batch.samples / slices) < settings.answerGroupSamples
        {
            run *= 2
        }
        let aligned = stride(from: 0, to: slices, by: run).map { $0..<min($0 + run, slices) }
        return method.exchanges.map { $0.mixesSamples ? [0..<slices] : aligned }
    }
}
