import Buffers
import Tensors

extension Checkpoint {
    /// The name of the file that holds what of a file differs from the base's.
    static func changes(of name: String) -> String {
        name.hasSuffix(".safetensors")
            ? name.dropLast(".safetensors".count) + ".changes.safetensors" : name + ".changes"
    }

    /// The arrays of a file that may be based on another checkpoint's, whole, each with how it
    /// differs from there; read and compared in one pass.
    ///
    /// Without a base nothing differs: the checkpoint can be one itself.
    ///
    /// - Throws: as `arrays(_:)`.
    public func changedArrays(_ name: String) throws(StorageError) -> [ChangedArray] {
        guard let base, !has(name) else {
            return try arrays(name).map { ChangedArray($0, .rows([])) }
        }
        let changes = Checkpoint.changes(of: name)
        let (old, new) = (try base.arrays(name), try arrays(changes))
        return try ArrayMerge(path: path(changes)).merged(old, changedBy: new)
    }

    /// The arrays of a safetensors file in memory of their own, read and compared in one pass.
    ///
    /// F32 as tensors, integers as I64; in the order of their data.
    ///
    /// - Throws: `StorageError.damaged` naming the bytes that are not as they were written,
    ///   `StorageError.malformed` if there is no such file, or an array of another type.
    public func arrays(_ name: String) throws(StorageError) -> [SafetensorsEntry] {
        let blocks = try blocks(name)
        // Of what is looked at before it was compared only names, types and places are used.
        let header = try SafetensorsFile(blocks.mapped(), path: path(name))
        var buffers: [AlignedBuffer] = []
        var start = header.buffer.byteCount
        for array in header.names {
            let range = try header.entry(array).bytes
            start = min(start, range.lowerBound)
            buffers.append(AlignedBuffer(uninitializedByteCount: range.count))
        }
        try blocks.read(into: buffers, from: start)
        var arrays: [SafetensorsEntry] = []
        for (array, buffer) in zip(header.names, buffers) {
            let entry = try header.entry(array)
            let value: SafetensorsValue
            switch entry.type {
            case .f32:
                value = .f32(Tensor(viewing: buffer, byteOffset: 0, shape: Shape(entry.dims)))
            case .i64: value = .i64(buffer.integers(Int64.self), dims: entry.dims)
            case .i32: value = .i64(buffer.integers(Int32.self), dims: entry.dims)
            case .u8: value = .i64(buffer.integers(UInt8.self), dims: entry.dims)
            case .f64:
                throw .malformed(
                    path: path(name), reason: "tensor '\(array)' is F64, which no state has")
            }
            arrays.append(SafetensorsEntry(array, value))
        }
        return arrays
    }
}

extension AlignedBuffer {
    /// The little-endian integers in the buffer.
    fileprivate func integers<I: FixedWidthInteger & BitwiseCopyable>(_ type: I.Type) -> [Int64] {
        let (bytes, width) = (bytes, MemoryLayout<I>.size)
        var values: [Int64] = []
        values.reserveCapacity(byteCount / width)
        for start in stride(from: 0, to: byteCount, by: width) {
            values.append(Int64(bytes.littleEndian(at: start, as: type)))
        }
        return values
    }
}
