/// A run of floats in a buffer, with the behaviour of a value: writing copies what is shared.
@safe public struct FloatStorage: Sendable {
    /// The memory; other values may look at it too.
    public private(set) var buffer: AlignedBuffer
    /// Where the first float lies in `buffer`, a multiple of 4.
    public private(set) var byteOffset: Int
    /// The number of floats.
    public let count: Int

    /// Looks at `count` floats of `buffer` without copying them.
    public init(viewing buffer: AlignedBuffer, byteOffset: Int, count: Int) {
        precondition(
            byteOffset >= 0 && byteOffset % 4 == 0 && count >= 0
                && byteOffset <= buffer.byteCount && count <= (buffer.byteCount - byteOffset) / 4,
            "\(count) floats at byte \(byteOffset) do not fit \(buffer.byteCount) bytes")
        self.buffer = buffer
        self.byteOffset = byteOffset
        self.count = count
    }

    /// The floats, for reading.
    public var span: Span<Float> {
        @_lifetime(borrow self) get {
            let start = unsafe UnsafePointer(first)
            let all = unsafe Span(_unsafeStart: start, count: count)
            return unsafe _overrideLifetime(all, borrowing: self)
        }
    }

    /// The floats, for writing; they are copied first if anybody else holds the buffer.
    public var mutableSpan: MutableSpan<Float> {
        @_lifetime(&self) mutating get {
            makeUnique()
            let all = unsafe MutableSpan(_unsafeStart: first, count: count)
            return unsafe _overrideLifetime(all, mutating: &self)
        }
    }

    /// Whether nobody else holds the buffer, so that writing copies nothing.
    public var isUnique: Bool {
        mutating get { isKnownUniquelyReferenced(&buffer) }
    }

    private var first: UnsafeMutablePointer<Float> {
        unsafe (buffer.base + byteOffset).assumingMemoryBound(to: Float.self)
    }

    private mutating func makeUnique() {
        if isKnownUniquelyReferenced(&buffer) { return }
        let copy =
            buffer.pool?.uninitialized(byteCount: 4 * count)
            ?? AlignedBuffer(uninitializedByteCount: 4 * count)
        unsafe copy.base.copyMemory(from: first, byteCount: 4 * count)
        buffer = copy
        byteOffset = 0
    }
}
