internal import Buffers
internal import Networks
internal import Optimizers
internal import Tensors

/// LiT on a worker: embeddings of captions out, their gradient back.
///
/// Of images it needs what captions say of them, never an embedding.
struct LiTWorker: WorkerMethod {
    let network: LiTNetwork
    /// Captions of a slice.
    let makeCaptions: @Sendable (SliceWork) -> [String]
    /// Memory of slices that ended, for slices that begin.
    let pool = BufferPool(freeBytesMax: .max)
    private let activationBytesPerText: Int
    private let weights: PackedVersion

    init(
        network: LiTNetwork, makeCaptions: @escaping @Sendable (SliceWork) -> [String]
    ) {
        self.network = network
        self.makeCaptions = makeCaptions
        activationBytesPerText = network.activationBytesPerText()
        weights = PackedVersion(network.layout)
    }

    func activationBytes(sampleCount: Int) -> Int { sampleCount * activationBytesPerText }

    /// The slice's tokens `[b, T]`, and where each text ends `[b]`.
    func views(of work: SliceWork) throws -> [Tensor] {
        let texts = network.tokens.sequences(of: makeCaptions(work))
        return [
            Tensor(texts.tokens.map { Float($0) }, shape: [texts.count, texts.length]),
            Tensor(texts.ends.map { Float($0) }, shape: [texts.count]),
        ]
    }

    func run(
        _ work: SliceWork, views: [Tensor], version: VersionTensors,
        progress: any SliceProgress,
        exchange: (_ round: Int, _ input: NamedTensors) async throws -> NamedTensors
    ) async throws -> SliceResult {
        defer { pool.endPiece() }
        let pass = LiTPass(
            work, texts: Self.sequences(views), network: network, version: version,
            weights: weights, pool: pool, progress: progress)
        // Captions to z [b, D], and the version's t.
        let input = pass.forward()
        // z for dL/dz, the loss being one of the whole step.
        let answer = try await exchange(0, input)
        // From dL/dz and dL/dt to all parameters.
        return try pass.backward(from: answer)
    }

    private static func sequences(_ views: [Tensor]) -> TokenSequences {
        let (tokens, ends) = (views[0], views[1].values)
        var texts = TokenSequences(length: tokens.shape[1])
        for (text, end) in ends.enumerated() {
            texts.append(tokens.rows(text..<(text + 1)).values.map { Int($0) }, end: Int(end))
        }
        return texts
    }
}

/// One slice's way through the text tower and back.
private final class LiTPass {
    private let work: SliceWork
    private let texts: TokenSequences
    private let network: LiTNetwork
    private let version: VersionTensors
    private let weights: PackedVersion
    private let pool: BufferPool
    private let progress: any SliceProgress
    private var kept: Forward?

    private struct Forward {
        var pass: ForwardPass
        var embeddings: Variable
        var logScale: Variable
    }

    init(
        _ work: SliceWork, texts: TokenSequences, network: LiTNetwork, version: VersionTensors,
        weights: PackedVersion, pool: BufferPool, progress: any SliceProgress
    ) {
        self.work = work
        self.texts = texts
        self.network = network
        self.version = version
        self.weights = weights
        self.pool = pool
        self.progress = progress
    }

    // Not inlined into the asynchronous caller, as every computation on a slot.

    /// What goes out; activations are kept if they may be.
    @inline(never)
    func forward() -> NamedTensors {
        let forward = computeForward()
        if work.keepsActivations { kept = forward }
        return NamedTensors([
            "z": forward.embeddings.value, "logScale": forward.logScale.value,
        ])
    }

    /// The slice's result; activations that were dropped are made again, with the same bits.
    @inline(never)
    func backward(from answer: NamedTensors) throws -> SliceResult {
        let forward = kept.take() ?? computeForward()
        let dz = try answer.part("dz", shape: forward.embeddings.shape)
        let dLogScale = try answer.part("dLogScale", shape: [1])
        let sums = try answer.part("sums", shape: [2]).values
        progress.beginBackward()
        let statistics = forward.pass.flatStatistics
        let gradient = forward.pass.flatGradient(of: [
            (forward.embeddings, dz), (forward.logScale, dLogScale),
        ])
        return SliceResult(
            gradient: gradient, statistics: statistics,
            sums: zip(LiT.sumNames, sums).map {
                SliceResult.Sum(name: $0, value: Double($1))
            })
    }

    private func computeForward() -> Forward {
        let tape = Tape(pool: pool)
        tape.progress = { [progress] in progress.tick() }
        let pass = network.pass(
            version, packed: weights.packed(version.parameters), tape: tape, isTraining: true)
        return Forward(
            pass: pass, embeddings: network.texts(texts, pass), logScale: network.logScale(pass))
    }
}

extension NamedTensors {
    /// The tensor of that name and shape in an answer.
    fileprivate func part(_ name: String, shape: Shape) throws(LiTError) -> Tensor {
        guard let tensor = self[name] else { throw .badAnswer("has no tensor \(name)") }
        guard tensor.shape == shape else {
            throw .badAnswer("has \(name) \(tensor.shape), expected \(shape)")
        }
        return tensor
    }
}
