public import Tensors

/// Floats that are asked for when they are written, and let go when they are on their way.
///
/// For a checkpoint of a table that goes on moving: what was taken needs no copy any more.
public protocol FloatSource: Sendable {
    /// The extents.
    var shape: Shape { get }
    /// The floats; to be called once.
    func take() -> Tensor
}
