public import Tensors

/// A block of a residual network (He and others 2016), in torchvision's form and with its names.
///
/// The block's result is relu(branch + shortcut). The shortcut is the input, or
/// `downsample.0` (1x1 convolution) and `downsample.1` (batch norm) where the shape changes.
public struct ResidualBlock: Sendable {
    /// What a block's branch is made of.
    public enum Kind: Sendable, Hashable {
        /// Two 3x3 convolutions, the first with the block's stride.
        case basic
        /// 1x1, 3x3 with the block's stride, and 1x1 to four times the width.
        case bottleneck

        /// The channels behind a block, as a multiple of its width.
        var expansion: Int { self == .basic ? 1 : 4 }
    }

    private let stages: [(convolution: Convolution2d, norm: BatchNorm2d)]
    private let downsample: (convolution: Convolution2d, norm: BatchNorm2d)?

    /// Enters `NAME.conv1.weight`, `NAME.bn1.weight` and so on, and the shortcut's if it has any.
    ///
    /// - Parameter width: of the 3x3 convolutions.
    public init(
        _ layout: inout ParameterLayout, name: String, _ kind: Kind, inputs: Int, width: Int,
        stride: Int
    ) {
        let outputs = width * kind.expansion
        let sizes = kind == .basic ? [3, 3] : [1, 3, 1]
        let strided = kind == .basic ? 0 : 1
        var stages: [(convolution: Convolution2d, norm: BatchNorm2d)] = []
        for (index, size) in sizes.enumerated() {
            stages.append(
                makeStage(
                    &layout, convolution: "\(name).conv\(index + 1)",
                    norm: "\(name).bn\(index + 1)", inputs: index == 0 ? inputs : width,
                    outputs: index == sizes.count - 1 ? outputs : width, size: size,
                    stride: index == strided ? stride : 1))
        }
        self.stages = stages
        guard stride != 1 || inputs != outputs else {
            downsample = nil
            return
        }
        downsample = makeStage(
            &layout, convolution: "\(name).downsample.0", norm: "\(name).downsample.1",
            inputs: inputs, outputs: outputs, size: 1, stride: stride)
    }

    /// `[B, H, W, inputs]` to `[B, H', W', outputs]`.
    public func callAsFunction(_ x: Variable, _ pass: ForwardPass) -> Variable {
        var shortcut = x
        if let downsample { shortcut = downsample.norm(downsample.convolution(x, pass), pass) }
        var y = x
        for stage in stages.dropLast() {
            y = stage.norm(stage.convolution(y, pass), pass, isRectified: true)
        }
        guard let last = stages.last else { return y }
        return last.norm(
            last.convolution(y, pass), pass, adding: shortcut, isRectified: true)
    }
}

/// A convolution and its batch norm with torchvision's first values: normal of deviation
/// sqrt(2 / fan-out), the fan-out being outputs times the window's area.
func makeStage(
    _ layout: inout ParameterLayout, convolution: String, norm: String, inputs: Int, outputs: Int,
    size: Int, stride: Int
) -> (convolution: Convolution2d, norm: BatchNorm2d) {
    let deviation = (2 / Float(outputs * size * size)).squareRoot()
    return (
        Convolution2d(
            &layout, name: convolution, inputs: inputs, outputs: outputs, size: size,
            stride: stride, padding: size / 2, initialiser: .normal(deviation: deviation)),
        BatchNorm2d(&layout, name: norm, channels: outputs)
    )
}
