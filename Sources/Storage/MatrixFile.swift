public import Identity
internal import Buffers
internal import Tensors

/// A matrix of numbers in a `.npy` or safetensors file that stays on disk: its rows are read where
/// they are touched, so that a file may be larger than memory.
///
/// Read are 16-, 32- and 64-bit floats of `.npy` files, and F32 and F64 of safetensors files; rows
/// come as 32-bit floats.
public struct MatrixFile: Sendable {
    /// Where the file is.
    public let path: String
    /// Rows of the matrix.
    public let rowCount: Int
    /// Columns of the matrix.
    public let columnCount: Int

    private let element: Element
    private let buffer: AlignedBuffer
    private let dataStart: Int

    private enum Element: Int {
        /// Its raw value is its size in bytes.
        case half = 2
        case float = 4
        case double = 8
    }

    /// Maps a file.
    ///
    /// - Parameters:
    ///   - path: ends in `.safetensors`, or is a `.npy` file.
    ///   - tensor: which tensor of a safetensors file; by default `features`, or the only one.
    /// - Throws: `StorageError`: no matrix, another type or order, a wrong length or checksum.
    public init(
        mapping path: String, tensor: String? = nil,
        fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        let dims: [Int]
        if path.hasSuffix(".safetensors") {
            let file = try SafetensorsFile(
                contentsOf: path, isMapped: true, fileSystem: fileSystem)
            let name = tensor ?? (file.names.count == 1 ? file.names[0] : "features")
            let place = try file.place(of: name)
            switch place.type {
            case .f32: element = .float
            case .f64: element = .double
            case .i32, .i64, .u8:
                throw .malformed(
                    path: path,
                    reason: "tensor '\(name)' is \(place.type.rawValue), F32 or F64 is needed")
            }
            (dims, buffer, dataStart) = (place.dims, place.buffer, place.bytes.lowerBound)
        } else {
            let file = try fileSystem.open(path, .read)
            let layout = try NPYFile.layout(of: file, path)
            element = try Self.element(layout.type, path)
            _ = try layout.byteCount(elementBytes: element.rawValue, path)
            buffer = try file.mapped()
            try file.close()
            (dims, dataStart) = (layout.shape.dims, layout.dataStart)
        }
        guard dims.count == 2, dims[0] > 0, dims[1] > 0 else {
            throw .malformed(
                path: path, reason: "has the shape \(dims), [rows, columns] is needed")
        }
        self.path = path
        (rowCount, columnCount) = (dims[0], dims[1])
    }

    private static func element(
        _ type: String, _ path: String
    ) throws(StorageError) -> Element {
        switch type {
        case "<f2": return .half
        case "<f4": return .float
        case "<f8": return .double
        default:
            throw .malformed(
                path: path,
                reason: "has elements of type '\(type)', '<f2', '<f4' or '<f8' is needed")
        }
    }

    /// Copies rows, one behind the other.
    ///
    /// - Parameter output: `[rows.count, columnCount]`.
    @_lifetime(output: copy output)
    public func read(_ rows: Range<Int>, into output: inout MutableSpan<Float>) {
        precondition(
            output.count == rows.count * columnCount, "\(rows) into \(output.count) floats")
        let bytes = bytes(of: rows)
        switch element {
        case .half:
            for index in 0..<output.count {
                let bits = bytes.littleEndian(at: 2 &* index, as: UInt16.self)
                output[index] = Float(Float16(bitPattern: bits))
            }
        case .float:
            for index in 0..<output.count {
                let bits = bytes.littleEndian(at: 4 &* index, as: UInt32.self)
                output[index] = Float(bitPattern: bits)
            }
        case .double:
            for index in 0..<output.count {
                let bits = bytes.littleEndian(at: 8 &* index, as: UInt64.self)
                output[index] = Float(Double(bitPattern: bits))
            }
        }
    }

    /// SHA-256 of the bytes of these rows, as they are in the file.
    public func digest(of rows: Range<Int>) -> Digest {
        var hasher = SHA256Hasher()
        hasher.update(bytes(of: rows))
        return hasher.finalize()
    }

    @_lifetime(borrow self)
    private func bytes(of rows: Range<Int>) -> RawSpan {
        precondition(
            rows.lowerBound >= 0 && rows.upperBound <= rowCount, "rows \(rows) of \(rowCount)")
        let rowBytes = columnCount * element.rawValue
        let first = dataStart + rows.lowerBound * rowBytes
        return buffer.bytes.extracting(first..<(first + rows.count * rowBytes))
    }
}

extension SafetensorsFile {
    /// Type, extents and place of an array, for who reads it in parts.
    func place(
        of name: String
    ) throws(StorageError) -> (
        type: SafetensorsType, dims: [Int], buffer: AlignedBuffer, bytes: Range<Int>
    ) {
        let entry = try entry(name)
        return (entry.type, entry.dims, buffer, entry.bytes)
    }
}
