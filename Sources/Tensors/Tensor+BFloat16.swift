public import Buffers
import Kernels

// Tensors whose values are bf16, and the memory that holds them in two bytes each.
extension Tensor {
    /// Rounds every element to bf16, to nearest and ties to even.
    public mutating func roundToBFloat16() {
        var span = mutableSpan
        Vector.roundToBFloat16(&span)
    }

    /// The elements in two bytes each: exact if they were rounded before.
    public var bfloat16Bytes: AlignedBuffer {
        let packed = buffer.uninitializedSibling(byteCount: 2 * count)
        var halves = packed.mutableHalves
        Vector.packBFloat16(span, into: &halves)
        return packed
    }

    /// The tensor whose elements stand in two bytes each at `byteOffset` of `packed`.
    ///
    /// - Precondition: the offset is even and the elements lie within the buffer.
    public init(bfloat16 packed: AlignedBuffer, byteOffset: Int, shape: Shape) {
        precondition(
            byteOffset % 2 == 0 && byteOffset + 2 * shape.count <= packed.byteCount,
            "\(shape) in bf16 at byte \(byteOffset) does not fit \(packed.byteCount) bytes")
        let floats = packed.uninitializedSibling(byteCount: 4 * shape.count)
        var span = floats.mutableFloats
        let start = byteOffset / 2
        Vector.unpackBFloat16(packed.halves.extracting(start..<(start + shape.count)), into: &span)
        self.init(viewing: floats, byteOffset: 0, shape: shape)
    }
}
