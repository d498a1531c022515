public import Buffers

/// An array of floats with a shape: contiguous, row-major, a value.
///
/// Copies share memory until one of them is written. A tensor may look at a part of a larger
/// buffer (a parameter within all parameters, a message); writing to it copies that part first.
public struct Tensor: Sendable {
    /// The extents, outermost first.
    public let shape: Shape
    private var storage: FloatStorage

    /// Makes a tensor of zeros.
    public init(zeros shape: Shape) {
        let buffer = AlignedBuffer(byteCount: 4 * shape.count)
        self.init(viewing: buffer, byteOffset: 0, shape: shape)
    }

    /// Makes a tensor from its elements in row-major order.
    public init(_ values: [Float], shape: Shape) {
        precondition(
            values.count == shape.count, "\(values.count) values do not fill shape \(shape)")
        self.init(uninitialized: shape)
        var span = mutableSpan
        for index in 0..<values.count { span[index] = values[index] }
    }

    /// Makes a tensor whose elements are all `value`.
    public init(repeating value: Float, shape: Shape) {
        self.init(uninitialized: shape)
        var span = mutableSpan
        for index in 0..<span.count { span[index] = value }
    }

    /// Makes a scalar.
    public init(_ value: Float) { self.init(repeating: value, shape: []) }

    /// Makes a tensor whose elements must be written before they are read.
    ///
    /// - Parameter pool: where the memory comes from and returns to; `nil` means the system.
    public init(uninitialized shape: Shape, pool: BufferPool? = nil) {
        let byteCount = 4 * shape.count
        let buffer =
            pool?.uninitialized(byteCount: byteCount)
            ?? AlignedBuffer(uninitializedByteCount: byteCount)
        self.init(viewing: buffer, byteOffset: 0, shape: shape)
    }

    /// Looks at memory that is there already, without copying it.
    ///
    /// - Parameters:
    ///   - buffer: holds at least the tensor's bytes after `byteOffset`.
    ///   - byteOffset: a multiple of 4; multiples of 64 are read fastest.
    public init(viewing buffer: AlignedBuffer, byteOffset: Int, shape: Shape) {
        self.shape = shape
        storage = FloatStorage(viewing: buffer, byteOffset: byteOffset, count: shape.count)
    }

    private init(_ storage: FloatStorage, shape: Shape) {
        self.storage = storage
        self.shape = shape
    }

    /// The number of elements.
    public var count: Int { storage.count }

    /// The memory that the elements lie in; others may look at it too.
    public var buffer: AlignedBuffer { storage.buffer }

    /// Where the elements begin in `buffer`.
    public var byteOffset: Int { storage.byteOffset }

    /// The elements for reading, row-major.
    public var span: Span<Float> {
        @_lifetime(borrow self) get { storage.span }
    }

    /// The elements for writing, row-major; copies them first if the memory is shared.
    public var mutableSpan: MutableSpan<Float> {
        @_lifetime(&self) mutating get { storage.mutableSpan }
    }

    /// Whether writing copies nothing.
    var isUnique: Bool { mutating get { storage.isUnique } }

    /// The elements as an array, row-major.
    public var values: [Float] {
        let span = self.span
        return (0..<span.count).map { span[$0] }
    }

    /// The only element of a tensor that has one.
    public var scalar: Float {
        precondition(count == 1, "a tensor of shape \(shape) is no scalar")
        return span[0]
    }

    /// The same elements under another shape of the same count, without a copy.
    public func reshaped(_ shape: Shape) -> Tensor {
        precondition(
            shape.count == count, "reshaped: \(self.shape) holds \(count) elements, not \(shape)")
        return Tensor(storage, shape: shape)
    }

    /// The part with these indices on the first axis, without a copy.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(
            shape.rank > 0 && range.lowerBound >= 0 && range.upperBound <= shape[0],
            "rows \(range) of shape \(shape)")
        let stride = shape[0] == 0 ? 0 : count / shape[0]
        return Tensor(
            viewing: buffer, byteOffset: byteOffset + 4 * stride * range.lowerBound,
            shape: shape.replacing(axis: 0, with: range.count))
    }

    /// Whether shape and bits of all elements are equal; NaNs equal themselves, -0 is not 0.
    public func isBitIdentical(to other: Tensor) -> Bool {
        guard shape == other.shape else { return false }
        let (mine, theirs) = (span, other.span)
        for index in 0..<mine.count where mine[index].bitPattern != theirs[index].bitPattern {
            return false
        }
        return true
    }
}
