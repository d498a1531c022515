public import Buffers
public import Tensors

/// A safetensors file in memory, its header checked: names, types, shapes, and where data lies.
///
/// Hostile headers are refused: lengths beyond the file, JSON that is none, ranges that overlap,
/// leave gaps, or do not fit type and shape. Types other than F32, F64, I32, I64 and U8 are
/// refused by name.
public struct SafetensorsFile: Sendable {
    /// The greatest header that is read, in bytes: some hundred thousand tensors.
    public static let headerBytesMax = 16 << 20

    /// Where the file came from, for messages.
    public let path: String
    /// The names in the order of their data.
    public let names: [String]
    /// The pairs of text in the header's `__metadata__`, in its order; often none.
    public let metadata: [(key: String, value: String)]

    private let entries: [String: Entry]
    let buffer: AlignedBuffer

    struct Entry {
        var type: SafetensorsType
        var dims: [Int]
        var bytes: Range<Int>
    }

    /// Whether the file carried its own checksum, which then was right.
    ///
    /// Files of others do not, nor those of a checkpoint, which are in its manifest.
    public private(set) var hasChecksum = false

    /// The file at `path`, read whole.
    ///
    /// - Parameter isMapped: whether the file stays on disk and is read where it is touched
    ///   (`OpenFile.mapped`): for what does not fit into memory.
    /// - Throws: `StorageError.damaged` if it carries a checksum that is wrong;
    ///   `StorageError.malformed` with what is wrong otherwise.
    public init(
        contentsOf path: String, isMapped: Bool = false,
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        let file = try fileSystem.open(path, .read)
        let buffer = try isMapped ? file.mapped() : file.contents()
        try file.close()
        let hasChecksum = try SafetensorsFile.compareChecksum(buffer, path)
        try self.init(buffer, path: path)
        self.hasChecksum = hasChecksum
    }

    /// The file whose bytes are all of `buffer`.
    ///
    /// - Throws: `StorageError.malformed` with what is wrong.
    public init(_ buffer: AlignedBuffer, path: String) throws(StorageError) {
        let (header, dataStart) = try SafetensorsFile.header(of: buffer, path)
        var names: [String] = []
        var entries: [String: Entry] = [:]
        var metadata: [(key: String, value: String)] = []
        for member in header {
            if member.key == "__metadata__" {
                metadata = try SafetensorsFile.metadata(member.value, path)
                continue
            }
            var entry: Entry
            do throws(StorageProblem) {
                entry = try SafetensorsFile.entry(member.value)
            } catch {
                throw .malformed(path: path, reason: "tensor '\(member.key)' \(error.reason)")
            }
            let limit = buffer.byteCount - dataStart
            guard entry.bytes.upperBound <= limit else {
                throw .malformed(
                    path: path,
                    reason: "tensor '\(member.key)' ends at \(entry.bytes.upperBound) "
                        + "of \(limit) bytes: the file is cut short or the header is wrong")
            }
            entry.bytes = entry.bytes.lowerBound + dataStart..<entry.bytes.upperBound + dataStart
            names.append(member.key)
            entries[member.key] = entry
        }
        let ranges = names.compactMap { name in entries[name].map { (name, $0.bytes) } }
            .sorted { ($0.1.lowerBound, $0.1.upperBound) < ($1.1.lowerBound, $1.1.upperBound) }
        var end = dataStart
        for (name, range) in ranges {
            guard range.lowerBound == end else {
                throw .malformed(
                    path: path, reason: "tensor '\(name)' overlaps another or leaves a gap")
            }
            end = range.upperBound
        }
        guard end == buffer.byteCount else {
            throw .malformed(
                path: path, reason: "\(buffer.byteCount - end) bytes belong to no tensor")
        }
        self.path = path
        self.names = ranges.map(\.0)
        self.metadata = metadata
        self.entries = entries
        self.buffer = buffer
    }

    /// Whether the file has an array of this name.
    public func has(_ name: String) -> Bool { entries[name] != nil }

    /// The extents of an array's axes.
    public func dims(_ name: String) throws(StorageError) -> [Int] { try entry(name).dims }

    /// The shape of an array.
    public func shape(_ name: String) throws(StorageError) -> Shape {
        Shape(try entry(name).dims)
    }

    /// The element type of an array.
    public func type(_ name: String) throws(StorageError) -> SafetensorsType {
        try entry(name).type
    }

    /// The tensor of this name, which must be F32.
    ///
    /// A view into the file's memory where it is aligned, which lives as long as the view does.
    public func tensor(_ name: String) throws(StorageError) -> Tensor {
        let entry = try entry(name)
        guard entry.type == .f32 else { throw wrongType(name, entry.type, "F32") }
        let shape = Shape(entry.dims)
        if entry.bytes.lowerBound % 4 == 0 {
            return Tensor(viewing: buffer, byteOffset: entry.bytes.lowerBound, shape: shape)
        }
        let copy = AlignedBuffer(uninitializedByteCount: entry.bytes.count)
        copyBytes(from: buffer.bytes.extracting(entry.bytes), to: copy)
        return Tensor(viewing: copy, byteOffset: 0, shape: shape)
    }

    /// The integers of this name, which must be I64, I32 or U8, row after row.
    public func integers(_ name: String) throws(StorageError) -> [Int64] {
        let entry = try entry(name)
        let bytes = buffer.bytes
        let starts = stride(
            from: entry.bytes.lowerBound, to: entry.bytes.upperBound, by: entry.type.elementBytes)
        var values: [Int64] = []
        values.reserveCapacity(entry.bytes.count / entry.type.elementBytes)
        switch entry.type {
        case .i64:
            for start in starts { values.append(bytes.littleEndian(at: start, as: Int64.self)) }
        case .i32:
            for start in starts {
                values.append(Int64(bytes.littleEndian(at: start, as: Int32.self)))
            }
        case .u8:
            for start in starts {
                values.append(Int64(bytes.littleEndian(at: start, as: UInt8.self)))
            }
        case .f32, .f64: throw wrongType(name, entry.type, "I64, I32 or U8")
        }
        return values
    }

    /// The numbers of this name, which must be F64 or F32, row after row.
    public func doubles(_ name: String) throws(StorageError) -> [Double] {
        let entry = try entry(name)
        let bytes = buffer.bytes
        let starts = stride(
            from: entry.bytes.lowerBound, to: entry.bytes.upperBound, by: entry.type.elementBytes)
        var values: [Double] = []
        values.reserveCapacity(entry.bytes.count / entry.type.elementBytes)
        switch entry.type {
        case .f64:
            for start in starts {
                values.append(Double(bitPattern: bytes.littleEndian(at: start, as: UInt64.self)))
            }
        case .f32:
            for start in starts {
                let bits = bytes.littleEndian(at: start, as: UInt32.self)
                values.append(Double(Float(bitPattern: bits)))
            }
        case .i32, .i64, .u8: throw wrongType(name, entry.type, "F64 or F32")
        }
        return values
    }

    func entry(_ name: String) throws(StorageError) -> Entry {
        guard let entry = entries[name] else {
            throw .malformed(
                path: path, reason: "has no tensor '\(name)' among its \(names.count)")
        }
        return entry
    }

    private func wrongType(
        _ name: String, _ type: SafetensorsType, _ wanted: String
    ) -> StorageError {
        .malformed(
            path: path, reason: "tensor '\(name)' is \(type.rawValue), \(wanted) is needed")
    }
}

/// What is wrong with a part of a file, in words that go behind the part's name.
struct StorageProblem: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

extension SafetensorsFile {
    /// Compares the checksum that `SafetensorsFile.write` puts in; false if there is none.
    private static func compareChecksum(
        _ buffer: AlignedBuffer, _ path: String
    ) throws(StorageError) -> Bool {
        let bytes = buffer.bytes
        let first = 8 + checksumPrefix.utf8.count
        let rest = first + checksumBlank.utf8.count
        guard bytes.byteCount >= rest,
            bytes.extracting(8..<first).copied().elementsEqual(checksumPrefix.utf8)
        else { return false }
        var sum = CRC32C.checksum(bytes.extracting(0..<first))
        sum = CRC32C.checksum(Array(checksumBlank.utf8), continuing: sum)
        sum = CRC32C.checksum(bytes.extracting(rest..<bytes.byteCount), continuing: sum)
        guard bytes.extracting(first..<rest).copied() == SealedJSON.hexDigits(sum) else {
            throw .damaged(path: path, reason: "does not match its checksum")
        }
        return true
    }

    private static func header(
        of buffer: AlignedBuffer, _ path: String
    ) throws(StorageError) -> (members: [JSONMember], dataStart: Int) {
        let bytes = buffer.bytes
        guard bytes.byteCount >= 8 else {
            throw .malformed(
                path: path, reason: "\(bytes.byteCount) bytes are no safetensors file")
        }
        let length = bytes.littleEndian(at: 0, as: UInt64.self)
        guard length <= UInt64(headerBytesMax), length <= UInt64(bytes.byteCount - 8) else {
            throw .malformed(
                path: path,
                reason: "no safetensors file: a header of \(length) bytes in a file of "
                    + "\(bytes.byteCount)")
        }
        let dataStart = 8 + Int(length)
        do throws(JSONError) {
            let value = try JSONValue(parsing: bytes.extracting(8..<dataStart).copied())
            guard let members = value.members else {
                throw JSONError(offset: 0, reason: "the header is no object")
            }
            return (members, dataStart)
        } catch {
            throw .malformed(path: path, reason: "the header is \(error.description)")
        }
    }

    private static func metadata(
        _ value: JSONValue, _ path: String
    ) throws(StorageError) -> [(key: String, value: String)] {
        guard let members = value.members else {
            throw .malformed(path: path, reason: "__metadata__ is no object")
        }
        var pairs: [(key: String, value: String)] = []
        for member in members where member.key != checksumKey {
            guard let text = member.value.string else {
                throw .malformed(
                    path: path, reason: "the value of __metadata__.\(member.key) is no text")
            }
            pairs.append((member.key, text))
        }
        return pairs
    }

    private static func entry(_ value: JSONValue) throws(StorageProblem) -> Entry {
        guard let members = value.members, members.count == 3, let dtype = value["dtype"]?.string,
            let shape = value["shape"]?.array, let offsets = value["data_offsets"]?.array
        else { throw StorageProblem("has not just dtype, shape and data_offsets") }
        guard let type = SafetensorsType(rawValue: dtype) else {
            let known = SafetensorsType.allCases.map(\.rawValue).joined(separator: ", ")
            throw StorageProblem("is \(dtype), which is not supported; convert it to \(known)")
        }
        let dims = shape.compactMap { $0.integer }.compactMap { Int(exactly: $0) }
        guard dims.count == shape.count, dims.allSatisfy({ $0 >= 0 }), Shape(checking: dims) != nil
        else { throw StorageProblem("has no valid shape") }
        var byteCount = type.elementBytes
        for extent in dims {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw StorageProblem("is too large") }
            byteCount = product
        }
        let ends = offsets.compactMap { $0.integer }.compactMap { Int(exactly: $0) }
        guard ends.count == 2, offsets.count == 2, 0 <= ends[0], ends[0] <= ends[1] else {
            throw StorageProblem("has no valid data_offsets")
        }
        guard ends[1] - ends[0] == byteCount else {
            throw StorageProblem(
                "has \(ends[1] - ends[0]) bytes of data, \(byteCount) by type and shape")
        }
        return Entry(type: type, dims: dims, bytes: ends[0]..<ends[1])
    }
}
