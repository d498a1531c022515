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
    private let activationBytesPerText: Int
    private let memory: SliceMemory

    init(
        network: LiTNetwork, makeCaptions: @escaping @Sendable (SliceWork) -> [String]
    ) {
        self.network = network
        self.makeCaptions = makeCaptions
        activationBytesPerText = network.activationBytesPerText()
        memory = SliceMemory(network.layout)
    }

    /// Where slices take their memory.
    var pool: BufferPool { memory.pool }

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
        let (network, texts) = (network, Self.sequences(views))
        let pass = SlicePass(
            memory, version, keepsActivations: work.keepsActivations, progress: progress
        ) { pass in
            [network.texts(texts, pass), network.logScale(pass)]
        }
        // Captions to z [b, D], and the version's t.
        let input = input(pass)
        // z for dL/dz, the loss being one of the whole step.
        let answer = try await exchange(0, input)
        // From dL/dz and dL/dt to all parameters.
        return try result(pass, from: answer)
    }

    // Not inlined into the asynchronous caller, as every computation on a slot.

    @inline(never)
    private func input(_ pass: SlicePass) -> NamedTensors {
        let outputs = pass.forward()
        return NamedTensors(["z": outputs[0], "logScale": outputs[1]])
    }

    @inline(never)
    private func result(_ pass: SlicePass, from answer: NamedTensors) throws -> SliceResult {
        let dz = try answer.part("dz", shape: pass.outputShapes[0])
        let dLogScale = try answer.part("dLogScale", shape: pass.outputShapes[1])
        let sums = try answer.part("sums", shape: [2]).values
        let backward = pass.backward(from: [dz, dLogScale])
        return SliceResult(
            gradient: backward.gradient, statistics: backward.statistics,
            sums: zip(LiT.sumNames, sums).map {
                SliceResult.Sum(name: $0, value: Double($1))
            })
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
