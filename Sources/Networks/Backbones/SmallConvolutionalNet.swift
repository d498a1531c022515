public import Tensors

/// Three strided convolutions with batch norm and ReLU, then the mean over the image: "conv" of
/// the reference run (MLCD sheet, section 6).
public struct SmallConvolutionalNet: Encoder {
    /// How the first weights of convolutions are drawn.
    public enum FirstWeights: String, Sendable, Hashable, CaseIterable {
        /// torch's default: uniform within 1 / sqrt(fan-in).
        case torch
        /// Normal of deviation sqrt(2 / fan-out), as residual networks have it (He and others
        /// 2015; sheet contrastive, section 2).
        case kaiming

        func initialiser(inputs: Int, outputs: Int) -> Initialiser {
            switch self {
            case .torch: .torchDefault(fanIn: 9 * inputs)
            case .kaiming: .normal(deviation: (2 / Float(9 * outputs)).squareRoot())
            }
        }
    }

    /// The channels after each convolution, in the reference run.
    public static let referenceWidths = [32, 64, 128]

    /// The channels after the last convolution: 128 in the reference run.
    public let featureWidth: Int
    private let stages: [(convolution: Convolution2d, norm: BatchNorm2d)]

    /// Enters `features.0` (convolution), `features.1` (batch norm), `features.3`, `features.4`,
    /// `features.6` and `features.7`: the numbers of a torch `nn.Sequential` in which each third
    /// module is a ReLU.
    ///
    /// - Parameters:
    ///   - channels: of the images.
    ///   - widths: the channels after each convolution, at least one.
    ///   - firstWeights: of the convolutions.
    public init(
        _ layout: inout ParameterLayout, channels: Int, widths: [Int] = referenceWidths,
        firstWeights: FirstWeights = .torch
    ) {
        precondition(!widths.isEmpty, "a convolutional net without convolutions")
        var inputs = channels
        var stages: [(convolution: Convolution2d, norm: BatchNorm2d)] = []
        for (index, outputs) in widths.enumerated() {
            let convolution = Convolution2d(
                &layout, name: "features.\(3 * index)", inputs: inputs, outputs: outputs, size: 3,
                stride: 2, padding: 1,
                initialiser: firstWeights.initialiser(inputs: inputs, outputs: outputs))
            let norm = BatchNorm2d(
                &layout, name: "features.\(3 * index + 1)", channels: outputs)
            stages.append((convolution, norm))
            inputs = outputs
        }
        self.stages = stages
        featureWidth = inputs
    }

    /// Images `[B, channels, H, W]` to features `[B, featureWidth]`.
    public func callAsFunction(_ images: Variable, _ pass: ForwardPass) -> Variable {
        var x = images.permuted([0, 2, 3, 1])  // [B, H, W, channels]
        for stage in stages {
            x = stage.norm(stage.convolution(x, pass), pass, isRectified: true)
        }
        return globalAveragePool(x)
    }
}
