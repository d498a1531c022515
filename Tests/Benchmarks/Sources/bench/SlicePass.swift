internal import Buffers
internal import Kernels
internal import Networks
internal import Tensors

// The only file of the benchmarks that knows how a slice goes through tape and network.

/// A network that is measured, with the state that slices read.
struct MeasuredNetwork: Sendable {
    /// The encoder.
    let encoder: any Encoder
    /// Its parameters and buffers.
    let layout: ParameterLayout

    /// What the slices of a step read.
    ///
    /// - Parameters:
    ///   - pool: takes the packed weights' memory; a steady step allocates nothing.
    ///   - threads: threads that pack.
    func version(
        parameters: Tensor, buffers: Tensor, pool: BufferPool, threads: Int
    ) -> NetworkVersion {
        NetworkVersion(
            parameters: parameters, buffers: buffers,
            packed: PackedParameters(
                layout, parameters: parameters, pool: pool, threads: threads))
    }

    /// Parameters as they are at the beginning, `[P]`.
    func firstParameters() -> Tensor { layout.initialised(seed: 0) }

    /// Batch-norm buffers as they are at the beginning, `[Q]`.
    func firstBuffers() -> Tensor { layout.initialisedBuffers() }
}

/// Parameters and buffers of a step, and the weights as products read them.
struct NetworkVersion: Sendable {
    fileprivate let parameters: Tensor
    fileprivate let buffers: Tensor
    fileprivate let packed: PackedParameters
}

/// The seconds that a slice's two halves took.
struct PassSeconds {
    var forward = 0.0
    var backward = 0.0
}

/// One slice: forward, the mean of the squared features over the whole step, backward.
///
/// - Parameters:
///   - images: `[b, C, H, W]`.
///   - stepFeatures: the number of feature values of all slices of the step.
///   - pool: the slot's memory.
@inline(never)
func runSlice(
    _ network: MeasuredNetwork, _ version: NetworkVersion, images: Tensor, stepFeatures: Int,
    pool: BufferPool, seconds: inout PassSeconds
) -> SliceSum {
    let begin = monotonicSeconds()
    let tape = Tape(pool: pool)
    let pass = ForwardPass(
        network.layout, parameters: version.parameters, buffers: version.buffers,
        packed: version.packed, tape: tape, isTraining: true)
    let features = network.encoder(tape.constant(images), pass)
    let loss = Double(Vector.sumOfSquares(features.value.span)) / Double(stepFeatures)
    var cotangent = Tensor(uninitialized: features.shape, pool: pool)
    scale(features.value, by: 2 / Float(stepFeatures), into: &cotangent)
    let middle = monotonicSeconds()
    let statistics = pass.flatStatistics
    let gradient = pass.flatGradient(of: [(features, cotangent)])
    seconds.forward += middle - begin
    seconds.backward += monotonicSeconds() - middle
    return SliceSum(gradient: gradient, statistics: statistics, loss: loss)
}

private func scale(_ x: Tensor, by factor: Float, into y: inout Tensor) {
    var span = y.mutableSpan
    Vector.scale(x.span, by: factor, into: &span)
}
