public import Identity
public import Tensors
internal import Buffers

/// A safetensors file that stays on disk: its header is looked at once, its arrays are read in
/// parts when they are asked for.
///
/// For files larger than memory. Unlike a mapped file, what was read takes no memory of the process
/// once it is let go. The open file is held, so that nobody loses it who reads a checkpoint while
/// a coordinator removes it.
public struct StreamedSafetensors: Sendable {
    /// Where the file is.
    public let path: String
    /// Over a mapping, of which the header alone is touched.
    private let header: SafetensorsFile
    private let file: any OpenFile
    /// What differs from this file; nil where it is all there is.
    private let changes: StreamedChanges?

    /// Bytes that are read at a time for a digest.
    private static let pieceBytes = 1 << 20

    /// Opens a file and checks its header as `SafetensorsFile` does; no checksum is compared.
    ///
    /// - Throws: `StorageError.malformed` with what is wrong.
    public init(
        _ path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        file = try fileSystem.open(path, .read)
        header = try SafetensorsFile(file.mapped(), path: path)
        self.path = path
        changes = nil
    }

    /// The arrays of a file as another one of changes leaves them (`ChangedArray`).
    ///
    /// - Throws: `StorageError.malformed` if they do not fit each other.
    init(_ base: StreamedSafetensors, changedBy file: StreamedSafetensors) throws(StorageError) {
        (path, header, self.file) = (base.path, base.header, base.file)
        changes = try StreamedChanges(file, of: base)
    }

    /// The names in the order of their data.
    public var names: [String] { header.names + (changes?.added ?? []) }

    /// Whether the file has an array of this name.
    public func has(_ name: String) -> Bool {
        header.has(name) || changes?.added.contains(name) == true
    }

    /// The extents of an array's axes.
    public func dims(_ name: String) throws(StorageError) -> [Int] {
        if let (_, count) = changes?.rows[name] { return [count, try header.dims(name)[1]] }
        if let first = changes?.firsts[name], let file = changes?.file {
            return [try file.dims(name).reduce(first, +)]
        }
        if let file = replacing(name) { return try file.dims(name) }
        return try header.dims(name)
    }

    /// The element type of an array.
    public func type(_ name: String) throws(StorageError) -> SafetensorsType {
        if let file = replacing(name) { return try file.type(name) }
        return try header.type(name)
    }

    /// The bytes that an array takes.
    public func byteCount(of name: String) throws(StorageError) -> Int {
        try dims(name).reduce(type(name).elementBytes, *)
    }

    /// The file of changes, where it has an array in the place of this file's.
    private func replacing(_ name: String) -> StreamedSafetensors? {
        guard let changes, changes.file.has(name), changes.rows[name] == nil,
            changes.firsts[name] == nil
        else { return nil }
        return changes.file
    }

    /// The file without its changes.
    private var base: StreamedSafetensors { StreamedSafetensors(withoutChanges: self) }

    private init(withoutChanges other: StreamedSafetensors) {
        (path, header, file, changes) = (other.path, other.header, other.file, nil)
    }

    /// Rows of a matrix of F32 that follow each other, `[rows.count, columns]`.
    ///
    /// - Precondition: the matrix has these rows.
    /// - Throws: `StorageError.malformed` if the array is no such matrix.
    public func rows(_ rows: Range<Int>, of name: String) throws(StorageError) -> Tensor {
        if let file = replacing(name) { return try file.rows(rows, of: name) }
        if let merged = try changes?.rows(rows, of: name, over: base) { return merged }
        let entry = try header.entry(name)
        guard entry.type == .f32, entry.dims.count == 2 else {
            throw .malformed(
                path: path,
                reason: "tensor '\(name)' is \(entry.type.rawValue) \(entry.dims), "
                    + "F32 [rows, columns] is needed")
        }
        precondition(
            rows.lowerBound >= 0 && rows.upperBound <= entry.dims[0],
            "rows \(rows) of \(entry.dims[0])")
        let columns = entry.dims[1]
        let buffer = AlignedBuffer(uninitializedByteCount: 4 * columns * rows.count)
        var bytes = buffer.mutableBytes
        try file.read(at: entry.bytes.lowerBound + 4 * columns * rows.lowerBound, into: &bytes)
        return Tensor(viewing: buffer, byteOffset: 0, shape: [rows.count, columns])
    }

    /// Integers of an array of I64 or I32 that follow each other, counted row after row.
    ///
    /// - Precondition: the array has these elements.
    /// - Throws: `StorageError.malformed` if the array is of another type.
    public func integers(_ range: Range<Int>, of name: String) throws(StorageError) -> [Int64] {
        if let file = replacing(name) { return try file.integers(range, of: name) }
        if let merged = try changes?.integers(range, of: name, over: base) { return merged }
        let entry = try header.entry(name)
        let width = entry.type.elementBytes
        guard entry.type == .i64 || entry.type == .i32 else {
            throw .malformed(
                path: path,
                reason: "tensor '\(name)' is \(entry.type.rawValue), I64 or I32 is needed")
        }
        precondition(
            range.lowerBound >= 0 && range.upperBound <= entry.bytes.count / width,
            "elements \(range) of \(entry.bytes.count / width)")
        let buffer = AlignedBuffer(uninitializedByteCount: width * range.count)
        var output = buffer.mutableBytes
        try file.read(at: entry.bytes.lowerBound + width * range.lowerBound, into: &output)
        let bytes = buffer.bytes
        var values: [Int64] = []
        values.reserveCapacity(range.count)
        for index in 0..<range.count {
            values.append(
                width == 8
                    ? bytes.littleEndian(at: 8 &* index, as: Int64.self)
                    : Int64(bytes.littleEndian(at: 4 &* index, as: Int32.self)))
        }
        return values
    }

    /// SHA-256 of the bytes of an array, as they are in the file.
    ///
    /// - Precondition: the file has no changes.
    public func digest(of name: String) throws(StorageError) -> Digest {
        precondition(changes == nil, "a digest of an array whose file has changes")
        let range = try header.entry(name).bytes
        var hasher = SHA256Hasher()
        for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.pieceBytes) {
            let count = min(Self.pieceBytes, range.upperBound - start)
            let bytes = try file.read(at: start, count: count)
            guard bytes.count == count else {
                throw .damaged(path: path, reason: "ends \(count - bytes.count) bytes early")
            }
            hasher.update(bytes)
        }
        return hasher.finalize()
    }
}
