import Tensors

/// How the first values of a parameter or buffer are drawn.
public enum Initialiser: Sendable, Hashable {
    /// 0 throughout.
    case zeros
    /// 1 throughout.
    case ones
    /// This number throughout.
    case constant(Float)
    /// Normal numbers of this deviation, mean 0.
    case normal(deviation: Float)
    /// Uniform numbers in [-bound, bound).
    case uniform(bound: Float)

    /// timm's `trunc_normal_(std: 0.02)`: its limits of -2 and 2 are a hundred deviations away.
    public static let timmNormal = Initialiser.normal(deviation: 0.02)

    /// torch's default for the weights and biases of linear layers and convolutions: Kaiming
    /// uniform with a = sqrt(5), which is uniform within 1 / sqrt(inputs of one output).
    public static func torchDefault(fanIn: Int) -> Initialiser {
        .uniform(bound: 1 / Float(max(1, fanIn)).squareRoot())
    }

    /// Xavier uniform (Glorot and Bengio 2010): within sqrt(6 / (inputs + outputs)).
    public static func xavier(fanIn: Int, fanOut: Int) -> Initialiser {
        .uniform(bound: (6 / Float(max(1, fanIn + fanOut))).squareRoot())
    }

    /// The first values of entry number `index` of a layout under a run's seed.
    func values(_ shape: Shape, seed: UInt64, index: Int) -> Tensor {
        let random = CounterRandom(seed: seed, stream: .initialisation, a: UInt64(index))
        return switch self {
        case .zeros: Tensor(zeros: shape)
        case .ones: Tensor(repeating: 1, shape: shape)
        case .constant(let value): Tensor(repeating: value, shape: shape)
        case .normal(let deviation): random.normalTensor(shape, deviation: deviation)
        case .uniform(let bound): random.uniformTensor(shape, from: -bound, to: bound)
        }
    }
}

/// Whose defaults the first values and constants of a network follow.
public enum Initialisation: String, Sendable, Hashable, CaseIterable {
    /// `nn.Linear`, `nn.Conv2d` and `nn.TransformerEncoderLayer` as torch makes them; layer
    /// norms have epsilon 1e-5. The reference run's.
    case torch
    /// timm's vision transformer: normal of deviation 0.02, zero biases; layer norms have
    /// epsilon 1e-6.
    case timm

    /// The term that keeps a layer norm's divisor from zero.
    var normEpsilon: Float { self == .torch ? 1e-5 : 1e-6 }

    /// Of a linear layer's weight.
    func linearWeight(fanIn: Int) -> Initialiser {
        self == .torch ? .torchDefault(fanIn: fanIn) : .timmNormal
    }

    /// Of a linear layer's bias.
    func linearBias(fanIn: Int) -> Initialiser {
        self == .torch ? .torchDefault(fanIn: fanIn) : .zeros
    }
}
