public import Tensors

/// Square patches of an image, each projected to a token: a convolution whose stride is its size.
public struct PatchEmbedding: Sendable {
    private let weight: Int
    private let bias: Int
    private let patch: Int
    private let width: Int

    /// Enters `NAME.proj.weight`, `[width, channels, patch, patch]`, and `NAME.proj.bias`, both
    /// with torch's default first values, which timm leaves as they are.
    public init(
        _ layout: inout ParameterLayout, name: String, channels: Int, patch: Int, width: Int
    ) {
        let fanIn = channels * patch * patch
        weight = layout.parameter(
            "\(name).proj.weight", [width, channels, patch, patch], .weight,
            .torchDefault(fanIn: fanIn))
        bias = layout.parameter("\(name).proj.bias", [width], .bias, .torchDefault(fanIn: fanIn))
        self.patch = patch
        self.width = width
    }

    /// `[B, channels, H, W]` to `[B, H W / patch^2, width]`, tokens from left to right and top to
    /// bottom.
    public func callAsFunction(_ images: Variable, _ pass: ForwardPass) -> Variable {
        let kernel = pass.variable(weight)
        let rows = kernel.reshaped([width, kernel.shape.count / width])
        let patches = unfoldedPatches(images, size: patch)
        return linear(patches, weight: rows, bias: pass.variable(bias))
    }
}
