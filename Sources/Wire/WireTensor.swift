public import Buffers

/// The element types that a tensor on the wire can have.
public enum WireType: UInt8, Sendable, CaseIterable {
    /// IEEE 754 binary32.
    case f32 = 1
    /// IEEE 754 binary64.
    case f64 = 2
    /// 32-bit two's complement.
    case i32 = 3
    /// 64-bit two's complement.
    case i64 = 4
    /// Unsigned bytes.
    case u8 = 5
    /// The upper half of a binary32: 8 bits of exponent, 7 of fraction.
    case bf16 = 6

    /// The size of one element in bytes.
    public var elementByteCount: Int {
        switch self {
        case .u8: 1
        case .bf16: 2
        case .f32, .i32: 4
        case .f64, .i64: 8
        }
    }
}

/// A named tensor as it travels: a view of memory that it shares, never a copy.
///
/// Received tensors view the buffer into which their message was read, 64-byte aligned.
public struct WireTensor: Sendable {
    /// What the tensor is, unique within its message.
    public let name: String
    /// The type of its elements.
    public let type: WireType
    /// Its dimensions, outermost first; empty for a scalar.
    public let dims: [Int]
    /// The memory that holds it.
    public let buffer: AlignedBuffer
    /// Where its elements begin in `buffer`.
    public let byteOffset: Int
    /// How many bytes its elements take.
    public let byteCount: Int

    /// A view of `buffer` from `byteOffset`, row-major and contiguous.
    ///
    /// - Precondition: the name is not empty, dimensions are not negative, and the elements lie
    ///   within the buffer.
    public init(
        name: String, type: WireType, dims: [Int], buffer: AlignedBuffer, byteOffset: Int = 0
    ) {
        precondition(!name.isEmpty, "a tensor on the wire has a name")
        guard let byteCount = Self.byteCount(type: type, dims: dims) else {
            preconditionFailure("tensor \(name): dimensions \(dims) are not a size")
        }
        precondition(
            byteOffset >= 0 && byteCount <= buffer.byteCount
                && byteOffset <= buffer.byteCount - byteCount,
            "tensor \(name) \(dims) does not fit its buffer")
        self.name = name
        self.type = type
        self.dims = dims
        self.buffer = buffer
        self.byteOffset = byteOffset
        self.byteCount = byteCount
    }

    /// The bytes of `dims` elements of `type`; nil if a dimension is negative or the product
    /// overflows.
    public static func byteCount(type: WireType, dims: [Int]) -> Int? {
        var total = type.elementByteCount
        for dim in dims {
            guard dim >= 0 else { return nil }
            let (product, overflow) = total.multipliedReportingOverflow(by: dim)
            guard !overflow else { return nil }
            total = product
        }
        return total
    }
}
