internal import Kernels
public import Storage
public import Tensors

extension MemoryBank {
    /// The bank's state under names that begin with `prefix`, in a fixed order.
    public func entries(prefix: String) -> [SafetensorsEntry] { rows.entries("\(prefix).rows") }

    /// Takes over stored state; the bank is unchanged if it throws.
    ///
    /// An open step is forgotten.
    ///
    /// - Parameter entries: what `entries(prefix:)` gave, among others.
    public mutating func restore(
        _ entries: [SafetensorsEntry], prefix: String
    ) throws(TableError) {
        let stored = try RowStore(
            entries, "\(prefix).rows", count: settings.rowCount, dim: settings.dim)
        self = MemoryBank(settings, stored: stored)
    }

    /// V `[N, D]` as it lies in a checkpoint.
    ///
    /// - Parameters:
    ///   - prefix: that of `entries`.
    ///   - dim: D.
    /// - Throws: `StorageError.malformed` if an array is missing, or of another type or shape.
    public static func storedRows(
        in file: StreamedSafetensors, prefix: String, dim: Int
    ) throws(StorageError) -> Tensor {
        var counts: [Int] = []
        repeat {
            let name = "\(prefix).rows.\(counts.count)"
            let (type, dims) = (try file.type(name), try file.dims(name))
            guard type == .f32, dims.count == 2, dims[1] == dim,
                (1...RowStore.chunkRows).contains(dims[0])
            else {
                throw .malformed(
                    path: file.path,
                    reason: "tensor '\(name)' is \(type.rawValue) \(dims), the run's bank has "
                        + "F32 [rows, \(dim)]")
            }
            counts.append(dims[0])
        } while counts.last == RowStore.chunkRows
            && file.has("\(prefix).rows.\(counts.count)")
        var rows = Tensor(uninitialized: [counts.reduce(0, +), dim])
        var output = rows.mutableSpan
        var at = 0
        for (chunk, count) in counts.enumerated() {
            let part = try file.rows(0..<count, of: "\(prefix).rows.\(chunk)")
            Blocks.copy(part.span, into: &output, at: at)
            at += part.count
        }
        return rows
    }
}
