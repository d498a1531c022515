public import Tensors

/// A convolution of square windows without bias, as it stands before a batch norm.
public struct Convolution2d: Sendable {
    private let weight: Int
    private let stride: Int
    private let padding: Int

    /// Enters `NAME.weight`, `[outputs, inputs, size, size]`, with torch's default first values.
    public init(
        _ layout: inout ParameterLayout, name: String, inputs: Int, outputs: Int, size: Int,
        stride: Int, padding: Int
    ) {
        weight = layout.parameter(
            "\(name).weight", [outputs, inputs, size, size], .weight,
            .torchDefault(fanIn: inputs * size * size))
        self.stride = stride
        self.padding = padding
    }

    /// `[B, inputs, H, W]` to `[B, outputs, H', W']`.
    public func callAsFunction(_ x: Variable, _ pass: ForwardPass) -> Variable {
        convolution2d(x, weight: pass.variable(weight), stride: stride, padding: padding)
    }
}
