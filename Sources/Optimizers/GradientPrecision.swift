import Tensors

/// How exactly gradients are kept on their way up the gradient tree.
public enum GradientPrecision: String, CaseIterable, Hashable, Sendable {
    /// As they are computed.
    case f32
    /// Every node, leaves included, is rounded to bf16 (to nearest, ties to even) as soon as it is
    /// computed: whoever adds, the bits are the same, and half as many travel.
    case bf16
}

extension SliceResult {
    /// The result with its gradient rounded to `precision`, as leaves of the tree are.
    public func rounded(to precision: GradientPrecision) -> SliceResult {
        var result = self
        result.precision = precision
        switch precision {
        case .f32: break
        case .bf16: result.gradient.roundToBFloat16()
        }
        return result
    }
}
