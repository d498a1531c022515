/// The body of a message: fixed fields, and tensors that share their owners' memory.
///
/// Layout (`proto/PROTOCOL.md`, "Body"): u32 length of the fields, u32 number of tensors, the
/// fields, a directory entry for each tensor, zeros up to a multiple of 64, and the tensors'
/// bytes, each at the next multiple of 64. There is exactly one encoding of a body.
public struct MessageBody: Sendable {
    /// Tensors and their padding are placed at multiples of this.
    public static let alignment = 64

    /// The fixed fields, as `FieldWriter` wrote them.
    public var fields: [UInt8]
    /// The tensors, in order.
    public var tensors: [WireTensor]

    /// A body of these fields and tensors.
    public init(fields: [UInt8] = [], tensors: [WireTensor] = []) {
        self.fields = fields
        self.tensors = tensors
    }

    /// The encoded size in bytes, padding included.
    public var byteCount: Int { layout().end }

    /// Where everything lies in the encoded body.
    struct Layout {
        /// The bytes of head: lengths, fields and directory.
        var headByteCount: Int
        /// The offset of each tensor's bytes.
        var offsets: [Int]
        /// The end of the body.
        var end: Int
    }

    func layout() -> Layout {
        var head = 8 + fields.count
        for tensor in tensors {
            head += Self.directoryByteCount(
                nameByteCount: tensor.name.utf8.count, tensor.dims.count)
        }
        var offsets: [Int] = []
        offsets.reserveCapacity(tensors.count)
        var end = head
        for tensor in tensors {
            let start = Self.aligned(end)
            offsets.append(start)
            end = start + tensor.byteCount
        }
        return Layout(headByteCount: head, offsets: offsets, end: end)
    }

    /// u16 name length, the name, u8 type, u8 rank, u64 for each dimension, u64 offset.
    static func directoryByteCount(nameByteCount: Int, _ rank: Int) -> Int {
        2 + nameByteCount + 2 + 8 * rank + 8
    }

    /// The next multiple of 64.
    static func aligned(_ offset: Int) -> Int { (offset + alignment - 1) & ~(alignment - 1) }

    /// The head's bytes, up to the first padding.
    func encodedHead(_ layout: Layout) -> [UInt8] {
        var writer = FieldWriter()
        writer.count(fields.count)
        writer.count(tensors.count)
        writer.raw(fields)
        for (tensor, offset) in zip(tensors, layout.offsets) {
            let name = Array(tensor.name.utf8)
            precondition(name.count <= Int(UInt16.max), "tensor \(tensor.name): name too long")
            precondition(
                tensor.dims.count <= Int(UInt8.max), "tensor \(tensor.name): rank too high")
            writer.u16(UInt16(name.count))
            writer.raw(name)
            writer.u8(tensor.type.rawValue)
            writer.u8(UInt8(tensor.dims.count))
            for dim in tensor.dims { writer.u64(UInt64(dim)) }
            writer.u64(UInt64(offset))
        }
        precondition(writer.bytes.count == layout.headByteCount, "the head is as long as laid out")
        return writer.bytes
    }
}

extension MessageBody {
    /// Tensors below this size are copied into the head's memory, so that many small ones do not
    /// take many system calls; larger ones are sent from where they are.
    static let gatherMinByteCount = 4096

    /// The encoded body as runs of memory, in order: heads, padding and small tensors in one
    /// buffer made here, every large tensor in its owner's memory.
    public func gathered() -> [BufferSlice] {
        enum Piece {
            case small(Range<Int>)
            case shared(BufferSlice)
        }
        let layout = layout()
        var small = encodedHead(layout)
        var begin = 0
        var end = small.count
        var pieces: [Piece] = []
        for (tensor, offset) in zip(tensors, layout.offsets) {
            small.append(contentsOf: repeatElement(0, count: offset - end))
            end = offset + tensor.byteCount
            let bytes = BufferSlice(
                tensor.buffer, byteOffset: tensor.byteOffset, byteCount: tensor.byteCount)
            guard tensor.byteCount >= Self.gatherMinByteCount else {
                small.append(contentsOf: bytes.copied())
                continue
            }
            if small.count > begin { pieces.append(.small(begin..<small.count)) }
            begin = small.count
            pieces.append(.shared(bytes))
        }
        if small.count > begin { pieces.append(.small(begin..<small.count)) }
        let owned = BufferSlice(copying: small)
        return pieces.map { piece in
            switch piece {
            case .small(let range): owned.dropFirst(range.lowerBound).prefix(range.count)
            case .shared(let slice): slice
            }
        }
    }
}
