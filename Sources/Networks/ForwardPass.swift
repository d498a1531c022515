public import Tensors

/// One pass through a network: a tape, the parameters on it, and what the pass leaves behind.
///
/// A pass is used once, on one thread, as its tape is.
public final class ForwardPass {
    /// The tape that follows the computation.
    public let tape: Tape
    /// Whether batch norms use the slice's own statistics, and gradients will be asked for.
    public let isTraining: Bool

    private let layout: ParameterLayout
    private let parameters: [Variable]
    private let buffers: [Tensor]
    private var statistics: [Tensor?]

    /// Puts the parameters of a version on a tape.
    ///
    /// - Parameters:
    ///   - parameters: flat, `[layout.flatCount]`.
    ///   - buffers: flat, `[layout.bufferLayout.flatCount]`.
    ///   - packed: the same parameters, packed; without them every layer packs its own.
    ///   - isTraining: false for evaluation: running statistics, nothing kept for gradients.
    public init(
        _ layout: ParameterLayout, parameters: Tensor, buffers: Tensor,
        packed: PackedParameters? = nil, tape: Tape, isTraining: Bool
    ) {
        self.layout = layout
        self.tape = tape
        self.isTraining = isTraining
        self.parameters = layout.entries.indices.map { index in
            let value = layout.view(of: parameters, index)
            let variable =
                isTraining
                ? tape.leaf(value, flatOffset: layout.offset(of: index)) : tape.constant(value)
            return packed?[index].map(variable.with(packed:)) ?? variable
        }
        let bufferLayout = layout.bufferLayout
        self.buffers = bufferLayout.entries.indices.map { bufferLayout.view(of: buffers, $0) }
        statistics = Array(repeating: nil, count: bufferLayout.entries.count)
    }

    /// Parameter number `index` of the layout.
    public func variable(_ index: Int) -> Variable { parameters[index] }

    /// Buffer number `index` of the layout.
    public func buffer(_ index: Int) -> Tensor { buffers[index] }

    /// Notes what the slice says of buffer `index`: a mean or an unbiased variance.
    func note(_ statistic: Tensor, for index: Int) {
        statistics[index] = statistic
    }

    /// The slice's batch-norm statistics in the layout of the buffers,
    /// `[bufferLayout.flatCount]`; zeros where no batch norm ran.
    public var flatStatistics: Tensor { layout.bufferLayout.gathered(statistics) }

    /// The gradient of a loss by all parameters, `[layout.flatCount]`; spends the tape.
    ///
    /// - Parameter outputs: results of the pass, and for each the gradient of the loss by it.
    public func flatGradient(of outputs: [(output: Variable, cotangent: Tensor)]) -> Tensor {
        precondition(isTraining, "gradients of a pass that keeps nothing for them")
        return tape.flatGradient(of: outputs, count: layout.flatCount)
    }
}
