public import Storage
public import Tensors

/// A table of centers as it lies in a checkpoint (see `CenterTable.entries`): which rows were ever
/// drawn, and the rows themselves, which stay on disk.
public struct StoredCenterTable: Sendable {
    /// k, the number of rows.
    public let rowCount: Int
    /// D, floats of a row.
    public let dim: Int
    /// The number of rows that were ever drawn.
    public let drawnCount: Int
    /// The updates made so far.
    public let updates: Int
    /// Bytes of rows, optimizer state and counters in the file.
    public let byteCount: Int

    private let file: StreamedSafetensors
    private let prefix: String
    private let isDrawn: [Bool]

    /// The table whose arrays' names begin with `prefix`.
    ///
    /// - Throws: `StorageError.malformed` if an array is missing, or of another type or shape.
    public init(
        _ file: StreamedSafetensors, prefix: String, rowCount: Int, dim: Int
    ) throws(StorageError) {
        for chunk in 0..<RowStore.chunkCount(of: rowCount) {
            let range = RowStore.rows(ofChunk: chunk, of: rowCount)
            let name = "\(prefix).rows.\(chunk)"
            let (type, dims) = (try file.type(name), try file.dims(name))
            guard type == .f32, dims == [range.count, dim] else {
                throw .malformed(
                    path: file.path,
                    reason: "tensor '\(name)' is \(type.rawValue) \(dims), the run's table has "
                        + "F32 \([range.count, dim])")
            }
        }
        let rows = try Self.integers("\(prefix).touched", in: file)
        var isDrawn = [Bool](repeating: false, count: rowCount)
        for row in rows {
            guard row >= 0, row < Int64(rowCount), !isDrawn[Int(row)] else {
                throw .malformed(
                    path: file.path,
                    reason: "tensor '\(prefix).touched' names row \(row), which is none of "
                        + "\(rowCount) or stands there twice")
            }
            isDrawn[Int(row)] = true
        }
        let updates = try Self.integers("\(prefix).updates", in: file)
        guard updates.count == 1, updates[0] >= 0 else {
            throw .malformed(
                path: file.path, reason: "tensor '\(prefix).updates' is \(updates), not one count")
        }
        var byteCount = 0
        for name in file.names where name.hasPrefix(prefix + ".") {
            byteCount += try file.byteCount(of: name)
        }
        (self.rowCount, self.dim, self.byteCount) = (rowCount, dim, byteCount)
        (self.file, self.prefix, self.isDrawn) = (file, prefix, isDrawn)
        (drawnCount, self.updates) = (rows.count, Int(updates[0]))
    }

    /// Whether a row was ever drawn; one that was not has its first values.
    public func isDrawn(_ row: Int) -> Bool { isDrawn[row] }

    /// The rows that were never drawn, rising.
    public var neverDrawn: [Int] { isDrawn.indices.filter { !isDrawn[$0] } }

    /// Rows that follow each other, `[range.count, D]`, read from the disk.
    public func rows(_ range: Range<Int>) throws(StorageError) -> Tensor {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= rowCount, "rows \(range) of \(rowCount)")
        var result: Tensor?
        var first = range.lowerBound
        while first < range.upperBound {
            let chunk = first / RowStore.chunkRows
            let begin = chunk * RowStore.chunkRows
            let end = min(range.upperBound, begin + RowStore.chunkRows)
            let part = try file.rows((first - begin)..<(end - begin), of: "\(prefix).rows.\(chunk)")
            result = result?.concatenatedRows(with: part) ?? part
            first = end
        }
        return result ?? Tensor(zeros: [0, dim])
    }

    /// The rows of these numbers, `[numbers.count, D]`, read from the disk.
    public func rows(numbered numbers: [Int]) throws(StorageError) -> Tensor {
        var values: [Float] = []
        values.reserveCapacity(numbers.count * dim)
        for row in numbers { values += try rows(row..<(row + 1)).values }
        return Tensor(values, shape: [numbers.count, dim])
    }

    private static func integers(
        _ name: String, in file: StreamedSafetensors
    ) throws(StorageError) -> [Int64] {
        let dims = try file.dims(name)
        guard dims.count == 1 else {
            throw .malformed(path: file.path, reason: "tensor '\(name)' has \(dims.count) axes")
        }
        return try file.integers(0..<dims[0], of: name)
    }
}
