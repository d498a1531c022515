import Buffers
public import Tensors

/// The element types of safetensors files that are read and written here.
public enum SafetensorsType: String, CaseIterable, Hashable, Sendable {
    /// 32-bit floats.
    case f32 = "F32"
    /// 64-bit floats.
    case f64 = "F64"
    /// Signed 32-bit integers.
    case i32 = "I32"
    /// Signed 64-bit integers.
    case i64 = "I64"
    /// Bytes.
    case u8 = "U8"

    /// Bytes of an element.
    public var elementBytes: Int {
        switch self {
        case .f32, .i32: 4
        case .f64, .i64: 8
        case .u8: 1
        }
    }
}

/// A named array that goes into a safetensors file.
public struct SafetensorsEntry: Sendable {
    /// The name.
    public var name: String
    /// The elements.
    public var value: SafetensorsValue

    /// An entry of this name.
    public init(_ name: String, _ value: SafetensorsValue) {
        self.name = name
        self.value = value
    }
}

/// The elements of an array in a safetensors file; without `dims` it has one axis.
public enum SafetensorsValue: Sendable {
    /// A tensor.
    case f32(Tensor)
    /// 64-bit floats.
    case f64([Double], dims: [Int]? = nil)
    /// Signed 32-bit integers.
    case i32([Int32], dims: [Int]? = nil)
    /// Signed 64-bit integers.
    case i64([Int64], dims: [Int]? = nil)
    /// Bytes.
    case u8([UInt8], dims: [Int]? = nil)
    /// 32-bit floats that are fetched when they are written; for checkpoints, which write once.
    case source(any FloatSource)

    /// The element type.
    public var type: SafetensorsType {
        switch self {
        case .f32, .source: .f32
        case .f64: .f64
        case .i32: .i32
        case .i64: .i64
        case .u8: .u8
        }
    }

    /// The extents of the axes.
    public var dims: [Int] {
        switch self {
        case .f32(let tensor): tensor.shape.dims
        case .source(let source): source.shape.dims
        case .f64(_, let dims?), .i32(_, let dims?), .i64(_, let dims?), .u8(_, let dims?): dims
        case .f64, .i32, .i64, .u8: [count]
        }
    }

    /// The number of elements.
    public var count: Int {
        switch self {
        case .f32(let tensor): tensor.count
        case .source(let source): source.shape.count
        case .f64(let values, _): values.count
        case .i32(let values, _): values.count
        case .i64(let values, _): values.count
        case .u8(let values, _): values.count
        }
    }

    func write(to sink: ByteSink) throws(StorageError) {
        switch self {
        case .f32(let tensor): try writeFloats(tensor, to: sink)
        case .source(let source): try writeFloats(source.take(), to: sink)
        case .f64(let values, _): try writeWords(values.map(\.bitPattern), to: sink)
        case .i32(let values, _): try writeWords(values, to: sink)
        case .i64(let values, _): try writeWords(values, to: sink)
        case .u8(let values, _): try sink.write(values)
        }
    }
}

private func writeFloats(_ tensor: Tensor, to sink: ByteSink) throws(StorageError) {
    let start = tensor.byteOffset
    try sink.write(tensor.buffer.bytes.extracting(start..<start + 4 * tensor.count))
}

private func writeWords(
    _ values: [some FixedWidthInteger], to sink: ByteSink
) throws(StorageError) {
    let elementsAtATime = 32_768
    for start in stride(from: 0, to: values.count, by: elementsAtATime) {
        var bytes: [UInt8] = []
        for value in values[start..<min(start + elementsAtATime, values.count)] {
            for shift in stride(from: 0, to: value.bitWidth, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            }
        }
        try sink.write(bytes)
    }
}

/// Writes entries as a safetensors file: header, then the arrays without gaps.
///
/// Wider element types come first, since readers want every array at a multiple of its element;
/// the given order holds otherwise. The header is filled up so that the data begins at a multiple
/// of 64 bytes.
func writeSafetensors(
    _ entries: [SafetensorsEntry], metadata: [(key: String, value: String)], to sink: ByteSink
) throws(StorageError) {
    let ordered = [8, 4, 1].flatMap { width in
        entries.filter { $0.value.type.elementBytes == width }
    }
    var members: [JSONMember] = []
    if !metadata.isEmpty {
        let pairs = metadata.map { JSONMember($0.key, .string($0.value)) }
        members.append(JSONMember("__metadata__", .object(pairs)))
    }
    var offset = 0
    for entry in ordered {
        let value = entry.value
        let dims = value.dims
        precondition(
            dims.reduce(1, *) == value.count, "\(entry.name): \(value.count) elements for \(dims)")
        precondition(
            !members.contains { $0.key == entry.name }, "\(entry.name): twice in one file")
        let end = offset + value.count * value.type.elementBytes
        members.append(
            JSONMember(
                entry.name,
                [
                    "dtype": .string(value.type.rawValue),
                    "shape": .array(dims.map { .integer(Int64($0)) }),
                    "data_offsets": [.integer(Int64(offset)), .integer(Int64(end))],
                ]))
        offset = end
    }
    var header = Array(JSONValue.object(members).text.utf8)
    header += Array(repeating: UInt8(ascii: " "), count: (64 - (8 + header.count) % 64) % 64)
    let length = UInt64(header.count)
    try sink.write((0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(8 * $0)) } + header)
    for entry in ordered { try entry.value.write(to: sink) }
}

extension SafetensorsFile {
    /// The key of the checksum in `__metadata__`, which is the file's first member.
    static let checksumKey = "crc32c"
    /// What the checksum stands for itself while it is computed.
    static let checksumBlank = "00000000"
    /// What stands between the header's length and the checksum's eight digits.
    static let checksumPrefix = #"{"__metadata__":{"\#(checksumKey)":""#

    /// Writes a safetensors file so that after a crash the old or the new content is there.
    ///
    /// It carries its own checksum, `crc32c` in `__metadata__`: the CRC-32C of the whole file with
    /// zeros for these eight digits. Reading the file compares it.
    ///
    /// - Parameters:
    ///   - entries: arrays with names, no name twice; those with wider elements are put first.
    ///     They are gone through twice, so that none is a source.
    ///   - metadata: pairs of text that stand in the header's `__metadata__`.
    ///   - path: the file.
    public static func write(
        _ entries: [SafetensorsEntry], metadata: [(key: String, value: String)] = [],
        to path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        let sum = ByteSink(nil)
        try writeSafetensors(
            entries, metadata: [(checksumKey, checksumBlank)] + metadata, to: sum)
        let digits = String(decoding: SealedJSON.hexDigits(sum.checksum), as: UTF8.self)
        try writeDurably(path, fileSystem) { sink throws(StorageError) in
            try writeSafetensors(entries, metadata: [(checksumKey, digits)] + metadata, to: sink)
        }
    }
}

/// Writes a file beside `path`, synchronises it, and puts it in place.
func writeDurably(
    _ path: String, _ fileSystem: any FileSystem,
    _ body: (ByteSink) throws(StorageError) -> Void
) throws(StorageError) {
    let temporary = path + ".tmp"
    FailPoint.pass("\(fileName(of: path)).write")
    let file = try fileSystem.open(temporary, .create)
    do {
        try body(ByteSink(file))
        FailPoint.pass("\(fileName(of: path)).sync")
        try file.synchronize()
        try file.close()
        FailPoint.pass("\(fileName(of: path)).rename")
        try fileSystem.rename(temporary, to: path)
        FailPoint.pass("\(fileName(of: path)).dirsync")
        try fileSystem.synchronizeDirectory(folder(of: path))
        FailPoint.pass("\(fileName(of: path)).done")
    } catch {
        // What is left beside is rubbish with a name that nobody reads; the cause is thrown.
        try? fileSystem.removeFile(temporary)
        throw error
    }
}
