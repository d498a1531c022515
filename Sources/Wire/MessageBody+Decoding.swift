public import Buffers

extension MessageBody {
    /// Reads a body whose tensors are views of `buffer`.
    ///
    /// Every number is checked before it is used; a body that is not exactly what `gathered()`
    /// gives for its content (gaps, overlaps, padding that is not zero) is refused.
    ///
    /// - Parameters:
    ///   - buffer: the received bytes, from offset 0; it is kept by the tensors.
    ///   - byteCount: how many of them are the body.
    /// - Throws: `WireError`.
    public init(
        decoding buffer: AlignedBuffer, byteCount: Int, limits: WireLimits = .standard
    ) throws(WireError) {
        precondition(byteCount <= buffer.byteCount, "a body lies within its buffer")
        guard byteCount <= limits.maxBodyBytes else {
            throw .overLimit(
                field: "body length", value: UInt64(byteCount), limit: limits.maxBodyBytes)
        }
        guard byteCount >= 8 else {
            throw .truncated(field: "body head", needed: 8, available: byteCount)
        }
        var start = FieldReader(BufferSlice(buffer, byteCount: 8).copied(), limits: limits)
        let fieldsLength = Int(try start.u32("fields length"))
        let tensorCount = Int(try start.u32("tensor count"))
        guard fieldsLength <= limits.maxFieldsBytes else {
            throw .overLimit(
                field: "fields length", value: UInt64(fieldsLength), limit: limits.maxFieldsBytes)
        }
        guard fieldsLength <= byteCount - 8 else {
            throw .truncated(field: "fields", needed: fieldsLength, available: byteCount - 8)
        }
        fields = BufferSlice(buffer, byteOffset: 8, byteCount: fieldsLength).copied()
        guard tensorCount <= limits.maxTensors else {
            throw .overLimit(
                field: "tensor count", value: UInt64(tensorCount), limit: limits.maxTensors)
        }
        let directory = TensorDirectory(
            buffer: buffer, bodyEnd: byteCount, start: 8 + fieldsLength, limits: limits)
        tensors = try directory.tensors(count: tensorCount)
    }
}

/// Reads the directory of a received body, entry by entry, and places the tensors.
private struct TensorDirectory {
    let buffer: AlignedBuffer
    let bodyEnd: Int
    let start: Int
    let limits: WireLimits

    private struct Entry {
        var name: String
        var type: WireType
        var dims: [Int]
        var offset: Int
    }

    func tensors(count: Int) throws(WireError) -> [WireTensor] {
        var entries: [Entry] = []
        var cursor = start
        for _ in 0..<count { entries.append(try entry(&cursor)) }
        guard Set(entries.map(\.name)).count == count else {
            throw .tensor(name: repeatedName(entries), problem: "the name occurs twice")
        }
        var tensors: [WireTensor] = []
        tensors.reserveCapacity(count)
        var end = cursor
        for entry in entries { tensors.append(try place(entry, after: &end)) }
        guard end == bodyEnd else { throw .trailingBytes(bodyEnd - end) }
        return tensors
    }

    private func entry(_ cursor: inout Int) throws(WireError) -> Entry {
        var reader = try reader(&cursor, count: 2, "tensor name length")
        let nameLength = Int(try reader.u16())
        guard nameLength >= 1 else { throw .invalidValue(field: "tensor name length", value: 0) }
        guard nameLength <= limits.maxNameBytes else {
            throw .overLimit(
                field: "tensor name length", value: UInt64(nameLength), limit: limits.maxNameBytes)
        }
        reader = try self.reader(&cursor, count: nameLength + 2, "tensor name")
        let nameBytes = try reader.raw("tensor name", count: nameLength)
        guard let name = String(validating: nameBytes, as: UTF8.self) else {
            throw .invalidText(field: "tensor name")
        }
        let code = try reader.u8("tensor type")
        guard let type = WireType(rawValue: code) else {
            throw .unknownType(tensor: name, code: code)
        }
        let rank = Int(try reader.u8("tensor rank"))
        guard rank <= limits.maxRank else {
            throw .overLimit(
                field: "rank of tensor \(name)", value: UInt64(rank), limit: limits.maxRank)
        }
        reader = try self.reader(&cursor, count: 8 * rank + 8, "dimensions of tensor \(name)")
        var dims: [Int] = []
        for _ in 0..<rank {
            guard let dim = Int(exactly: try reader.u64()) else {
                throw .tensor(name: name, problem: "a dimension is above 2^63")
            }
            dims.append(dim)
        }
        guard let offset = Int(exactly: try reader.u64()) else {
            throw .tensor(name: name, problem: "its offset is above 2^63")
        }
        return Entry(name: name, type: type, dims: dims, offset: offset)
    }

    /// The next `count` bytes of the directory.
    private func reader(
        _ cursor: inout Int, count: Int, _ field: String
    ) throws(WireError) -> FieldReader {
        guard count <= bodyEnd - cursor else {
            throw .truncated(field: field, needed: count, available: bodyEnd - cursor)
        }
        defer { cursor += count }
        let bytes = BufferSlice(buffer, byteOffset: cursor, byteCount: count).copied()
        return FieldReader(bytes, limits: limits)
    }

    private func place(_ entry: Entry, after end: inout Int) throws(WireError) -> WireTensor {
        guard let byteCount = WireTensor.byteCount(type: entry.type, dims: entry.dims) else {
            throw .tensor(name: entry.name, problem: "its dimensions \(entry.dims) overflow")
        }
        let expected = MessageBody.aligned(end)
        guard entry.offset == expected else {
            throw .tensor(
                name: entry.name, problem: "it is at offset \(entry.offset), expected \(expected)")
        }
        guard expected <= bodyEnd, byteCount <= bodyEnd - expected else {
            throw .truncated(
                field: "tensor \(entry.name)", needed: byteCount,
                available: max(0, bodyEnd - expected))
        }
        let padding = BufferSlice(buffer, byteOffset: end, byteCount: expected - end)
        guard padding.isZero else {
            throw .tensor(name: entry.name, problem: "the padding before it is not zero")
        }
        end = expected + byteCount
        return WireTensor(
            name: entry.name, type: entry.type, dims: entry.dims, buffer: buffer,
            byteOffset: expected)
    }

    private func repeatedName(_ entries: [Entry]) -> String {
        var seen: Set<String> = []
        return entries.first { !seen.insert($0.name).inserted }?.name ?? ""
    }
}
