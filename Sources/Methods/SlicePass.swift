internal import Buffers
internal import Networks
internal import Tensors

/// What the passes of a worker's slices share.
struct SliceMemory: Sendable {
    /// Of the network that is trained.
    let layout: ParameterLayout
    /// Memory of slices that ended, for slices that begin, on whatever slot.
    ///
    /// A steady step allocates nothing: it keeps what slices used lately, however much that is.
    let pool = BufferPool(freeBytesMax: .max)
    fileprivate let weights: PackedVersion

    init(_ layout: ParameterLayout) {
        self.layout = layout
        weights = PackedVersion(layout)
    }
}

/// One slice's way through a network and back: from a version's parameters to outputs, from
/// gradients by the outputs to the gradient by all parameters.
///
/// A slice that parks between the two may drop its activations; they are made again, with the same
/// bits.
final class SlicePass {
    private let memory: SliceMemory
    private let version: VersionTensors
    private let keepsActivations: Bool
    private let progress: any SliceProgress
    private let compute: (ForwardPass) -> [Variable]
    private var kept: Forward?
    /// The shapes of the outputs; empty before `forward`.
    private(set) var outputShapes: [Shape] = []

    private struct Forward {
        var pass: ForwardPass
        var outputs: [Variable]
    }

    /// What a slice's backward pass gives.
    struct Backward {
        /// By all parameters, flat.
        var gradient: Tensor
        /// The slice's batch-norm statistics, flat.
        var statistics: Tensor
    }

    /// A pass that has not begun.
    ///
    /// - Parameters:
    ///   - keepsActivations: whether they are kept from `forward` to `backward`.
    ///   - compute: the outputs, on the tape of the pass that it is given.
    init(
        _ memory: SliceMemory, _ version: VersionTensors, keepsActivations: Bool,
        progress: any SliceProgress, compute: @escaping (ForwardPass) -> [Variable]
    ) {
        self.memory = memory
        self.version = version
        self.keepsActivations = keepsActivations
        self.progress = progress
        self.compute = compute
    }

    // Not inlined into an asynchronous caller: Swift 6.3 then puts temporaries of the forward pass
    // on the task's stack and frees them in another order than it took them.

    /// The outputs.
    @inline(never)
    func forward() -> [Tensor] {
        let forward = computeForward()
        outputShapes = forward.outputs.map(\.shape)
        if keepsActivations { kept = forward }
        return forward.outputs.map(\.value)
    }

    /// Outputs of another way, by the version's averages: a teacher's, a key encoder's.
    ///
    /// With the batch statistics of training, which move no buffer; no gradient reaches them.
    ///
    /// - Precondition: the version has averages.
    @inline(never)
    func forwardByAverages(_ compute: (ForwardPass) -> [Variable]) -> [Tensor] {
        guard let averages = version.averages else {
            preconditionFailure("a pass by averages that the version does not have")
        }
        let pass = ForwardPass(
            memory.layout, parameters: averages, buffers: version.buffers, tape: makeTape(),
            isTraining: true)
        return compute(pass).map(\.value)
    }

    /// The way back.
    ///
    /// - Parameter cotangents: the gradient of the loss by each of the outputs, in their order;
    ///   those of the last outputs may be left out.
    @inline(never)
    func backward(from cotangents: [Tensor]) -> Backward {
        let forward = kept.take() ?? computeForward()
        progress.beginBackward()
        let statistics = forward.pass.flatStatistics
        let gradient = forward.pass.flatGradient(
            of: zip(forward.outputs, cotangents).map { (output: $0, cotangent: $1) })
        return Backward(gradient: gradient, statistics: statistics)
    }

    private func computeForward() -> Forward {
        let pass = ForwardPass(
            memory.layout, parameters: version.parameters, buffers: version.buffers,
            packed: memory.weights.packed(version.parameters), tape: makeTape(), isTraining: true)
        return Forward(pass: pass, outputs: compute(pass))
    }

    private func makeTape() -> Tape {
        let tape = Tape(pool: memory.pool)
        tape.progress = { [progress] in progress.tick() }
        return tape
    }
}
