internal import Kernels
internal import Optimizers
public import Storage
public import Tensors

extension CenterTable {
    /// The table's state under names that begin with `prefix`, in a fixed order: rows and moments
    /// in chunks that share memory with the table, touched rows in the order of their slots, and
    /// the number of updates.
    public func entries(prefix: String) -> [SafetensorsEntry] {
        var entries = Self.entries("\(prefix).rows", of: rows.chunks.map { .f32($0) })
        for (name, store) in zip(settings.rule.momentNames, moments) {
            entries += Self.entries("\(prefix).\(name)", of: store.chunks.map { .f32($0) })
        }
        return entries + counters(prefix)
    }

    /// What `entries(prefix:)` gives, for a checkpoint that is written while the table moves.
    ///
    /// Rows and moments are fetched when they are written. A row that moves before is copied: see
    /// `CopyBudget`.
    public mutating func snapshot(prefix: String, copies: CopyBudget) -> [SafetensorsEntry] {
        let threads = settings.threads
        var entries = Self.entries(
            "\(prefix).rows", of: Self.sources(rows.snapshot(copies, threads: threads)))
        for (index, name) in settings.rule.momentNames.enumerated() {
            entries += Self.entries(
                "\(prefix).\(name)",
                of: Self.sources(moments[index].snapshot(copies, threads: threads)))
        }
        return entries + counters(prefix)
    }

    /// Bytes that a checkpoint has of a table of this size, beside all copies, on their way to the
    /// disk.
    public static func snapshotBytesMax(rowCount: Int, dim: Int) -> Int {
        4 * dim * min(rowCount, RowStore.chunkRows)
    }

    private func counters(_ prefix: String) -> [SafetensorsEntry] {
        [
            SafetensorsEntry("\(prefix).touched", .i64(touched.map(Int64.init))),
            SafetensorsEntry("\(prefix).updates", .i64([Int64(updates)])),
        ]
    }

    /// Takes over stored state; the table is unchanged if it throws.
    ///
    /// An open step is forgotten.
    ///
    /// - Parameter entries: what `entries(prefix:)` gave, among others.
    public mutating func restore(
        _ entries: [SafetensorsEntry], prefix: String
    ) throws(TableError) {
        let touched = try Self.touchedRows(entries, prefix, below: settings.rowCount)
        let rows = try Self.store(
            entries, "\(prefix).rows", count: settings.rowCount, dim: settings.dim)
        var moments: [RowStore] = []
        for name in settings.rule.momentNames {
            moments.append(
                try Self.store(
                    entries, "\(prefix).\(name)", count: touched.count, dim: settings.dim))
        }
        let updates = try Self.integers(entries, "\(prefix).updates")
        guard updates.count == 1, updates[0] >= 0 else {
            throw .mismatch(
                array: "\(prefix).updates", found: "\(updates)", wanted: "one count")
        }
        var slots = [Int32](repeating: -1, count: settings.rowCount)
        for (slot, row) in touched.enumerated() { slots[Int(row)] = Int32(slot) }
        self.rows = rows
        self.moments = moments
        self.touched = touched
        self.slots = slots
        self.updates = Int(updates[0])
        step = nil
        ahead = nil
    }

    /// A moment of all rows `[k, D]`, zeros for rows that were never drawn; copied.
    ///
    /// - Parameter index: which of the rule's moments.
    public func moment(_ index: Int) -> Tensor {
        let all = RowStore(count: settings.rowCount, dim: settings.dim)
        let (target, source) = (all.access, moments[index].access)
        for (slot, row) in touched.enumerated() {
            target.withRow(row) { to in
                source.withRow(Int32(slot)) { Vector.copy($0.span, into: &to) }
            }
        }
        return all.copied()
    }

    private static func sources(_ snapshot: RowSnapshot) -> [SafetensorsValue] {
        (0..<snapshot.chunkCount).map { .source(SnapshotChunk(snapshot: snapshot, chunk: $0)) }
    }

    private static func entries(
        _ name: String, of chunks: [SafetensorsValue]
    ) -> [SafetensorsEntry] {
        chunks.enumerated().map { SafetensorsEntry("\(name).\($0)", $1) }
    }

    private static func store(
        _ entries: [SafetensorsEntry], _ name: String, count: Int, dim: Int
    ) throws(TableError) -> RowStore {
        var chunks: [Tensor] = []
        for index in 0..<RowStore.chunkCount(of: count) {
            let chunk = "\(name).\(index)"
            guard let entry = entries.first(where: { $0.name == chunk }) else {
                throw .missing(chunk)
            }
            guard case .f32(let tensor) = entry.value else {
                throw .mismatch(
                    array: chunk, found: entry.value.type.rawValue, wanted: "F32")
            }
            chunks.append(tensor)
        }
        guard let store = RowStore(chunks: chunks, count: count, dim: dim) else {
            throw .mismatch(
                array: name, found: "\(chunks.map(\.shape))", wanted: "\(count) x \(dim)")
        }
        return store
    }

    private static func touchedRows(
        _ entries: [SafetensorsEntry], _ prefix: String, below rowCount: Int
    ) throws(TableError) -> [Int32] {
        let name = "\(prefix).touched"
        var isTouched = [Bool](repeating: false, count: rowCount)
        var rows: [Int32] = []
        for row in try integers(entries, name) {
            guard row >= 0, row < Int64(rowCount), !isTouched[Int(row)] else {
                throw .badRow(array: name, row: row)
            }
            isTouched[Int(row)] = true
            rows.append(Int32(row))
        }
        return rows
    }

    private static func integers(
        _ entries: [SafetensorsEntry], _ name: String
    ) throws(TableError) -> [Int64] {
        guard let entry = entries.first(where: { $0.name == name }) else { throw .missing(name) }
        guard case .i64(let values, _) = entry.value else {
            throw .mismatch(array: name, found: entry.value.type.rawValue, wanted: "I64")
        }
        return values
    }
}
