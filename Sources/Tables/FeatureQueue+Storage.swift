public import Storage

extension FeatureQueue {
    /// The queue's state under names that begin with `prefix`, in a fixed order: rows, pointer.
    public func entries(prefix: String) -> [SafetensorsEntry] {
        rows.entries("\(prefix).rows")
            + [SafetensorsEntry("\(prefix).pointer", .i64([Int64(pointer)]))]
    }

    /// Takes over stored state; the queue is unchanged if it throws.
    ///
    /// An open step is forgotten.
    ///
    /// - Parameter entries: what `entries(prefix:)` gave, among others.
    public mutating func restore(
        _ entries: [SafetensorsEntry], prefix: String
    ) throws(TableError) {
        let stored = try RowStore(
            entries, "\(prefix).rows", count: settings.rowCount, dim: settings.dim)
        let name = "\(prefix).pointer"
        let values = try entries.integers(name)
        guard values.count == 1 else {
            throw .mismatch(array: name, found: "\(values.count) numbers", wanted: "one row number")
        }
        guard values[0] >= 0, values[0] < Int64(settings.rowCount) else {
            throw .badRow(array: name, row: values[0])
        }
        var queue = FeatureQueue(settings, stored: stored)
        queue.pointer = Int(values[0])
        self = queue
    }
}
