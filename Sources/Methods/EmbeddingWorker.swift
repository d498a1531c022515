internal import Buffers
internal import Datasets
internal import Networks
internal import Optimizers
internal import Tensors

/// The worker of methods whose loss is computed at the coordinator: embeddings of one view an image
/// out, their gradient back (design section 2, points 3 to 5).
///
/// Where the version has averages, these are the key encoder: another view of each image goes
/// through it, and its embeddings go along as keys, which no gradient reaches.
struct EmbeddingWorker: WorkerMethod {
    let network: EmbeddingNetwork
    /// The terms of a sample's loss by name, where it has several: the loss is their sum.
    let terms: [String]
    /// What a parked image's activations take, about.
    let activationBytesPerImage: Int
    /// What the key encoder follows from; nil without one.
    let averages: ParameterAverages?
    /// A numbered view of each image of a slice, `[b, C, H, W]`.
    let makeViews: @Sendable (_ work: SliceWork, _ view: Int) -> Tensor
    private let memory: SliceMemory

    /// A worker over views that are made somehow.
    init(
        _ network: EmbeddingNetwork, terms: [String] = [], averages: ParameterAverages? = nil,
        activationBytesPerImage: Int = 0,
        makeViews: @escaping @Sendable (_ work: SliceWork, _ view: Int) -> Tensor
    ) {
        self.network = network
        self.averages = averages
        self.terms = terms
        self.activationBytesPerImage = activationBytesPerImage
        self.makeViews = makeViews
        memory = SliceMemory(network.layout)
    }

    /// A worker over random views of a data set's images.
    init(
        _ network: EmbeddingNetwork, terms: [String] = [], averages: ParameterAverages? = nil,
        dataset: ImageDataset, seed: UInt64, views: ViewSettings
    ) {
        self.init(
            network, terms: terms, averages: averages,
            activationBytesPerImage: network.activationBytesPerImage(
                channels: dataset.channels, height: views.height, width: views.width)
        ) { work, view in
            dataset.randomResizedCropFlip(
                work.samples, dataEpoch: Int(work.dataEpoch), view: view, seed: seed,
                settings: views)
        }
    }

    /// The names of a slice's sums: the step's loss, and its terms where it has several.
    static func sumNames(terms: [String]) -> [String] { ["loss"] + terms }

    /// Where slices take their memory.
    var pool: BufferPool { memory.pool }

    func activationBytes(sampleCount: Int) -> Int { sampleCount * activationBytesPerImage }

    func views(of work: SliceWork) throws -> [Tensor] {
        (averages == nil ? [0] : [0, 1]).map { makeViews(work, $0) }
    }

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

        // 3. Forward: images to features to z [b, D]; the other view to keys.
        let input = input(pass, keyImages: averages == nil ? nil : views[1])

        // 4. Exchange: z for dL/dz, the loss being a mean over the whole step.
        let answer = try await exchange(0, input)

        // 5. Backward: from dL/dz to all parameters.
        return try result(pass, from: answer, of: work)
    }

    // Not inlined into the asynchronous caller, as every computation on a slot.

    @inline(never)
    private func input(_ pass: SlicePass, keyImages: Tensor?) -> NamedTensors {
        let keys = keyImages.map { images in
            pass.forwardByAverages { pass in
                [network(pass.tape.constant(images), pass).embeddings]
            }[0]
        }
        return EmbeddingExchange.input(pass.forward()[0], keys: keys)
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
