internal import Tensors

/// What stands between an encoder's features and the embeddings z.
public struct HeadSettings: Sendable, Hashable {
    /// The layers.
    public enum Kind: Sendable, Hashable {
        /// One linear layer, with a bias or without.
        case linear(hasBias: Bool)
        /// Two linear layers with biases and a ReLU between (SimCLR, MoCo v2).
        case perceptron(hidden: Int)
    }

    /// How the first weights are drawn; biases begin at zero.
    public enum FirstWeights: String, Sendable, Hashable, CaseIterable {
        /// torch's default for linear layers.
        case torch
        /// Xavier uniform (Glorot and Bengio 2010).
        case xavier

        func initialiser(inputs: Int, outputs: Int) -> Initialiser {
            switch self {
            case .torch: .torchDefault(fanIn: inputs)
            case .xavier: .xavier(fanIn: inputs, fanOut: outputs)
            }
        }
    }

    /// The layers.
    public var kind: Kind
    /// How the first weights are drawn.
    public var firstWeights: FirstWeights

    /// One linear layer without bias, of torch's first values: MLCD's (sheet, section 2.2).
    public static let linear = HeadSettings(.linear(hasBias: false))

    /// A head of these layers.
    public init(_ kind: Kind, firstWeights: FirstWeights = .torch) {
        self.kind = kind
        self.firstWeights = firstWeights
    }
}

/// A head's layers.
struct EmbeddingHead: Sendable {
    private let layers: [Linear]

    /// Enters `head.weight`, and `head.bias` where there is one; of two layers `head.0.weight`,
    /// `head.0.bias`, `head.2.weight` and `head.2.bias`: the numbers of a torch `nn.Sequential`
    /// whose middle is a ReLU.
    init(
        _ layout: inout ParameterLayout, _ settings: HeadSettings, inputs: Int, outputs: Int
    ) {
        let weights = settings.firstWeights
        switch settings.kind {
        case .linear(let hasBias):
            layers = [
                Linear(
                    &layout, name: "head", inputs: inputs, outputs: outputs,
                    weight: weights.initialiser(inputs: inputs, outputs: outputs),
                    bias: hasBias ? .zeros : nil)
            ]
        case .perceptron(let hidden):
            precondition(hidden > 0, "a head of \(hidden) hidden units")
            layers = [(0, inputs, hidden), (2, hidden, outputs)].map { number, inputs, outputs in
                Linear(
                    &layout, name: "head.\(number)", inputs: inputs, outputs: outputs,
                    weight: weights.initialiser(inputs: inputs, outputs: outputs), bias: .zeros)
            }
        }
    }

    /// Features `[B, inputs]` to embeddings `[B, outputs]`.
    func callAsFunction(_ features: Variable, _ pass: ForwardPass) -> Variable {
        var x = layers[0](features, pass)
        for layer in layers.dropFirst() { x = layer(relu(x), pass) }
        return x
    }
}
