public import Tensors

/// A network that turns images into one feature vector each.
public protocol Encoder: Sendable {
    /// The length of a feature vector.
    var featureWidth: Int { get }
    /// Images `[B, C, H, W]` to features `[B, featureWidth]`.
    func callAsFunction(_ images: Variable, _ pass: ForwardPass) -> Variable
}
