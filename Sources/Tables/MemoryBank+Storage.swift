public import Storage

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
}
