import Buffers
public import Tensors

/// Reading and writing NumPy's `.npy` files (format versions 1 to 3).
public enum NPYFile {
    /// The greatest header that is read, in bytes; NumPy's own are some hundred.
    static let headerBytesMax = 64 << 10

    /// Reads an array of 32-bit or 64-bit floats in C order; the latter are rounded to 32 bits.
    ///
    /// - Throws: `StorageError.malformed` for another type, another order, or a length that does
    ///   not fit the shape.
    public static func read(
        _ path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) -> Tensor {
        let file = try fileSystem.open(path, .read)
        let layout = try layout(of: file, path)
        let elementBytes = try elementBytes(layout.type, path)
        let (shape, dataStart) = (layout.shape, layout.dataStart)
        let dataBytes = try layout.byteCount(elementBytes: elementBytes, path)
        let buffer = AlignedBuffer(uninitializedByteCount: dataBytes)
        var bytes = buffer.mutableBytes
        try file.read(at: dataStart, into: &bytes)
        try file.close()
        if elementBytes == 4 { return Tensor(viewing: buffer, byteOffset: 0, shape: shape) }
        var tensor = Tensor(zeros: shape)
        var values = tensor.mutableSpan
        let doubles = buffer.bytes
        for index in 0..<values.count {
            let bits = doubles.littleEndian(at: 8 * index, as: UInt64.self)
            values[index] = Float(Double(bitPattern: bits))
        }
        return tensor
    }

    /// Reads an array with two axes; see `read`.
    public static func readMatrix(
        _ path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) -> Tensor {
        let tensor = try read(path, fileSystem: fileSystem)
        guard tensor.shape.rank == 2 else {
            throw .malformed(
                path: path, reason: "has the shape \(tensor.shape), [rows, columns] is needed")
        }
        return tensor
    }

    /// Writes a tensor as 32-bit floats; after a crash the old or the new file is there.
    public static func write(
        _ tensor: Tensor, to path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        let dims = tensor.shape.dims
        let tuple = dims.count == 1 ? "(\(dims[0]),)" : "(\(list(dims)))"
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': \(tuple), }"
        let unpadded = 10 + header.utf8.count + 1
        header += String(repeating: " ", count: (64 - unpadded % 64) % 64) + "\n"
        let length = header.utf8.count
        let magic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
        let lengthBytes = [UInt8(length & 255), UInt8(length >> 8)]
        try writeDurably(path, fileSystem) { sink throws(StorageError) in
            try sink.write(magic + lengthBytes + Array(header.utf8))
            try SafetensorsValue.f32(tensor).write(to: sink)
        }
    }

    private static func list(_ dims: [Int]) -> String {
        dims.map { "\($0)" }.joined(separator: ", ")
    }

    private static func elementBytes(
        _ type: String, _ path: String
    ) throws(StorageError) -> Int {
        switch type {
        case "<f4": return 4
        case "<f8": return 8
        default:
            throw .malformed(
                path: path, reason: "has elements of type '\(type)', '<f4' or '<f8' is needed")
        }
    }

    /// Type, shape and place of the array in an open file.
    ///
    /// - Throws: `StorageError.malformed` for another order, or a shape that no tensor has.
    static func layout(of file: any OpenFile, _ path: String) throws(StorageError) -> NPYLayout {
        let byteCount = try file.byteCount()
        let (header, dataStart) = try readHeader(file, path, byteCount)
        guard !header.isFortranOrder else {
            throw .malformed(
                path: path, reason: "is in Fortran order; save numpy.ascontiguousarray of it")
        }
        guard let shape = Shape(checking: header.dims) else {
            throw .malformed(
                path: path, reason: "has the shape \(header.dims), which is not supported")
        }
        return NPYLayout(
            type: header.type, shape: shape, dataStart: dataStart,
            dataBytes: byteCount - dataStart)
    }

    private static func readHeader(
        _ file: any OpenFile, _ path: String, _ byteCount: Int
    ) throws(StorageError) -> (NPYHeader, dataStart: Int) {
        let start = try file.read(at: 0, count: 12)
        guard start.count >= 10, start[0] == 0x93, start[1..<6].elementsEqual("NUMPY".utf8) else {
            throw .malformed(path: path, reason: "is no .npy file")
        }
        let lengthBytes = start[6] == 1 ? 2 : 4
        guard (1...3).contains(start[6]), start.count >= 8 + lengthBytes else {
            throw .malformed(path: path, reason: "is of .npy version \(start[6]), 1 to 3 are read")
        }
        var length = 0
        for index in (0..<lengthBytes).reversed() { length = length << 8 | Int(start[8 + index]) }
        let dataStart = 8 + lengthBytes + length
        guard length <= headerBytesMax, dataStart <= byteCount else {
            throw .malformed(path: path, reason: "has a header of \(length) bytes")
        }
        let text = try file.read(at: 8 + lengthBytes, count: length)
        do throws(StorageProblem) {
            var parser = NPYHeaderParser(bytes: text)
            return (try parser.header(), dataStart)
        } catch {
            throw .malformed(path: path, reason: "has a header that \(error.reason)")
        }
    }
}

/// Where the array of a `.npy` file lies.
struct NPYLayout {
    /// Its element type as NumPy writes it, such as `<f4`.
    var type: String
    /// Its shape.
    var shape: Shape
    /// The offset of its first byte.
    var dataStart: Int
    /// Bytes from there to the end of the file.
    var dataBytes: Int

    /// The bytes of the array, which must be those that there are.
    func byteCount(elementBytes: Int, _ path: String) throws(StorageError) -> Int {
        let (wanted, overflow) = shape.count.multipliedReportingOverflow(by: elementBytes)
        guard !overflow, wanted == dataBytes else {
            throw .malformed(
                path: path, reason: "has \(dataBytes) bytes of data for \(shape) of \(type)")
        }
        return wanted
    }
}

/// What a `.npy` header says.
private struct NPYHeader {
    var type: String
    var isFortranOrder: Bool
    var dims: [Int]
}

/// Parses the Python dictionary of a `.npy` header: text, truth values and tuples of integers.
private struct NPYHeaderParser {
    let bytes: [UInt8]
    var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func header() throws(StorageProblem) -> NPYHeader {
        var type: String?
        var isFortranOrder: Bool?
        var dims: [Int]?
        try expect("{")
        while !skip("}") {
            let key = try text()
            try expect(":")
            switch key {
            case "descr": type = try text()
            case "fortran_order": isFortranOrder = try truth()
            case "shape": dims = try tuple()
            default: throw StorageProblem("has the unknown key '\(key)'")
            }
            if !skip(",") {
                try expect("}")
                break
            }
        }
        skipSpace()
        guard offset == bytes.count, let type, let isFortranOrder, let dims else {
            throw StorageProblem("lacks a key, or goes on after its end")
        }
        return NPYHeader(type: type, isFortranOrder: isFortranOrder, dims: dims)
    }

    private mutating func text() throws(StorageProblem) -> String {
        skipSpace()
        guard let quote = next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw StorageProblem("has no text where one is expected")
        }
        let start = offset + 1
        guard let end = bytes[start...].firstIndex(of: quote) else {
            throw StorageProblem("has a text without end")
        }
        offset = end + 1
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private mutating func truth() throws(StorageProblem) -> Bool {
        if skip("True") { return true }
        try expect("False")
        return false
    }

    private mutating func tuple() throws(StorageProblem) -> [Int] {
        var values: [Int] = []
        try expect("(")
        while !skip(")") {
            skipSpace()
            let digits = bytes[offset...].prefix {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
            guard let value = Int(String(decoding: digits, as: UTF8.self)), values.count < 32 else {
                throw StorageProblem("has no valid shape")
            }
            values.append(value)
            offset += digits.count
            if !skip(",") {
                try expect(")")
                break
            }
        }
        return values
    }

    private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a { offset += 1 }
    }

    private mutating func skip(_ word: String) -> Bool {
        skipSpace()
        guard bytes[offset...].starts(with: word.utf8) else { return false }
        offset += word.utf8.count
        return true
    }

    private mutating func expect(_ word: String) throws(StorageProblem) {
        guard skip(word) else { throw StorageProblem("lacks a '\(word)' at byte \(offset)") }
    }
}
