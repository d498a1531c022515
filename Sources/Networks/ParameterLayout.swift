public import Tensors

/// The parameters of a network and its batch-norm buffers, each as one flat vector.
///
/// Layers enter what they need while they are made and keep the numbers they get; nothing is
/// looked up by name within a step.
public struct ParameterLayout: Sendable, Hashable {
    /// The trained parameters.
    public private(set) var parameters = FlatLayout()
    /// Running statistics of batch norms: not trained, moved once a step.
    public private(set) var bufferLayout = FlatLayout()

    /// The layout of a network without layers.
    public init() {}

    /// The parameters in order.
    public var entries: [FlatLayout.Entry] { parameters.entries }

    /// The length of the flat parameters, padding included.
    public var flatCount: Int { parameters.flatCount }

    /// The number of trained values, without padding.
    public var parameterCount: Int { entries.reduce(0) { $0 + $1.shape.count } }

    /// Where parameter `index` begins in the flat parameters, in floats.
    public func offset(of index: Int) -> Int { parameters.offset(of: index) }

    /// Parameter `index` of flat parameters, without a copy.
    public func view(of flat: Tensor, _ index: Int) -> Tensor { parameters.view(of: flat, index) }

    /// The first parameters under a run's seed, `[flatCount]`.
    public func initialised(seed: UInt64) -> Tensor { parameters.initialised(seed: seed) }

    /// The first buffers, `[bufferLayout.flatCount]`: means 0, variances 1.
    public func initialisedBuffers() -> Tensor { bufferLayout.initialised(seed: 0) }

    /// Where norms and biases lie in the flat parameters: what some run files exempt from weight
    /// decay.
    public var normsAndBiases: [Range<Int>] { parameters.ranges(of: [.norm, .bias]) }

    /// Enters a parameter; returns its number.
    ///
    /// - Precondition: no parameter has the name yet.
    public mutating func parameter(
        _ name: String, _ shape: Shape, _ role: FlatLayout.Role, _ initialiser: Initialiser
    ) -> Int {
        parameters.append(name, shape, role, initialiser)
    }

    /// Enters a buffer; returns its number among the buffers.
    ///
    /// - Precondition: no buffer has the name yet.
    public mutating func buffer(
        _ name: String, _ shape: Shape, _ initialiser: Initialiser
    ) -> Int {
        bufferLayout.append(name, shape, .buffer, initialiser)
    }
}
