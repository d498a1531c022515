internal import Buffers
internal import Datasets
internal import Networks
internal import Optimizers
internal import Tensors

/// The worker of methods whose loss is computed at the coordinator: embeddings of one view an image
/// out, their gradient back (design section 2, points 3 to 5).
struct EmbeddingWorker: WorkerMethod {
    let network: EmbeddingNetwork
    /// The terms of a sample's loss by name, where it has several: the loss is their sum.
    let terms: [String]
    /// What a parked image's activations take, about.
    let activationBytesPerImage: Int
    /// Images of a slice, `[b, C, H, W]`.
    let makeViews: @Sendable (SliceWork) -> Tensor
    private let memory: SliceMemory

    /// A worker over views that are made somehow.
    init(
        _ network: EmbeddingNetwork, terms: [String] = [], activationBytesPerImage: Int = 0,
        makeViews: @escaping @Sendable (SliceWork) -> Tensor
    ) {
        self.network = network
        self.terms = terms
        self.activationBytesPerImage = activationBytesPerImage
        self.makeViews = makeViews
        memory = SliceMemory(network.layout)
    }

    /// A worker over random views of a data set's images.
    init(
        _ network: EmbeddingNetwork, terms: [String] = [], dataset: ImageDataset, seed: UInt64,
        views: ViewSettings
    ) {
        self.init(
            network, terms: terms,
            activationBytesPerImage: network.activationBytesPerImage(
                channels: dataset.channels, height: views.height, width: views.width)
        ) { work in
            dataset.randomResizedCropFlip(
                work.samples, dataEpoch: Int(work.dataEpoch), seed: seed, settings: views)
        }
    }

    /// The names of a slice's sums: the step's loss, and its terms where it has several.
    static func sumNames(terms: [String]) -> [String] { ["loss"] + terms }

    /// Where slices take their memory.
    var pool: BufferPool { memory.pool }

    func activationBytes(sampleCount: Int) -> Int { sampleCount * activationBytesPerImage }

    func views(of work: SliceWork) throws -> [Tensor] { [makeViews(work)] }

    func run(
        _ work: SliceWork, views: [Tensor], version: VersionTensors,
        progress: any SliceProgress,
        exchange: (_ round: Int, _ input: NamedTensors) async throws -> NamedTensors
    ) async throws -> SliceResult {
        defer { pool.endPiece() }
        let (network, images) = (network, views[0])
        let pass = SlicePass(
            memory, version, keepsActivations: work.keepsActivations, progress: progress
        ) { pass in
            [network(pass.tape.constant(images), pass).embeddings]
        }

        // 3. Forward: images to features to z [b, D].
        let input = input(pass)

        // 4. Exchange: z for dL/dz, the loss being a mean over the whole step.
        let answer = try await exchange(0, input)

        // 5. Backward: from dL/dz to all parameters.
        return try result(pass, from: answer, of: work)
    }

    // Not inlined into the asynchronous caller, as every computation on a slot.

    @inline(never)
    private func input(_ pass: SlicePass) -> NamedTensors {
        EmbeddingExchange.input(pass.forward()[0])
    }

    /// Gradient, statistics, and the slice's part in the step's mean loss and its terms.
    @inline(never)
    private func result(
        _ pass: SlicePass, from answer: NamedTensors, of work: SliceWork
    ) throws -> SliceResult {
        let (dz, losses) = try EmbeddingExchange.values(
            of: answer, embeddings: pass.outputShapes[0], terms: max(1, terms.count))
        let backward = pass.backward(from: [dz])
        let parts = columnSums(losses)
        let values = [parts.reduce(0, +)] + (terms.isEmpty ? [] : parts)
        return SliceResult(
            gradient: backward.gradient, statistics: backward.statistics,
            sums: zip(Self.sumNames(terms: terms), values).map {
                SliceResult.Sum(name: $0, value: $1 / Double(work.stepSamples))
            })
    }

    /// Of each term the sum over the slice's samples, in their order.
    ///
    /// - Parameter losses: `[b, terms]`.
    private func columnSums(_ losses: Tensor) -> [Double] {
        let width = losses.shape[1]
        var sums = [Double](repeating: 0, count: width)
        for (index, value) in losses.values.enumerated() { sums[index % width] += Double(value) }
        return sums
    }
}
