public import Tensors

/// A convolution of square windows without bias, as it stands before a batch norm.
public struct Convolution2d: Sendable {
    private let weight: Int
    private let stride: Int
    private let padding: Int

    /// Enters `NAME.weight`, `[outputs, inputs, size, size]`.
    ///
    /// - Parameter initialiser: of the weight; torch's default if nil.
    public init(
        _ layout: inout ParameterLayout, name: String, inputs: Int, outputs: Int, size: Int,
        stride: Int, padding: Int, initialiser: Initialiser? = nil
    ) {
        weight = layout.parameter(
            "\(name).weight", [outputs, inputs, size, size], .weight,
            initialiser ?? .torchDefault(fanIn: inputs * size * size))
        self.stride = stride
        self.padding = padding
    }

    /// `[B, H, W, inputs]` to `[B, H', W', outputs]`.
    public func callAsFunction(_ x: Variable, _ pass: ForwardPass) -> Variable {
        convolution2d(x, weight: pass.variable(weight), stride: stride, padding: padding)
    }
}
