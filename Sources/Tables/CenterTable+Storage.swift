internal import Kernels
internal import Optimizers
public import Storage
public import Tensors

extension CenterTable {
    /// The table's state under names that begin with `prefix`, in a fixed order: rows and moments
    /// in chunks that share memory with the table, touched rows in the order of their slots, and
    /// the number of updates.
    ///
    /// - Precondition: there are rows (`makeFirstRows`).
    public func entries(prefix: String) -> [SafetensorsEntry] {
        precondition(rows.count == settings.rowCount, "the rows are not made yet")
        var entries = rows.entries("\(prefix).rows")
        for (name, store) in zip(settings.rule.momentNames, moments) {
            entries += store.entries("\(prefix).\(name)")
        }
        return entries + counters(prefix)
    }

    /// What `entries(prefix:)` gives, for a checkpoint that is written while the table moves; each
    /// array with how it differs from the table as it was at `countChangesFromHere()`.
    ///
    /// Rows and moments are fetched when they are written. A row that moves before is copied: see
    /// `CopyBudget`.
    public mutating func snapshot(prefix: String, copies: CopyBudget) -> [ChangedArray] {
        makeFirstRows()
        let threads = settings.threads
        let entries = rows.snapshot(copies, threads: threads).entries("\(prefix).rows")
        var arrays = zip(entries, changes.places).map { ChangedArray($0, .rows($1)) }
        let places = changes.momentPlaces(slots, count: touched.count)
        let chunksBefore = RowStore.chunkCount(of: changes.firstSlot)
        for (index, name) in settings.rule.momentNames.enumerated() {
            let entries = moments[index].snapshot(copies, threads: threads)
                .entries("\(prefix).\(name)")
            for (chunk, entry) in entries.enumerated() {
                arrays.append(
                    ChangedArray(entry, chunk < chunksBefore ? .rows(places[chunk]) : .whole))
            }
        }
        let counters = counters(prefix)
        arrays.append(ChangedArray(counters[0], .tail(from: changes.firstSlot)))
        arrays.append(ChangedArray(counters[1]))
        return arrays
    }

    /// Later snapshots say how they differ from the table as it is now.
    public mutating func countChangesFromHere() { changes.begin(slots: touched.count) }

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
    /// - Parameter arrays: what `snapshot(prefix:copies:)` gave, among others: changes are counted
    ///   from where these are.
    public mutating func restore(
        _ arrays: [ChangedArray], prefix: String
    ) throws(TableError) {
        let entries = arrays.map(\.entry)
        let touched = try Self.touchedRows(entries, prefix, below: settings.rowCount)
        if settings.update == .dense, !touched.elementsEqual(0..<Int32(settings.rowCount)) {
            throw .mismatch(
                array: "\(prefix).touched", found: "\(touched.count) rows",
                wanted: "all \(settings.rowCount) in order")
        }
        let rows = try RowStore(
            entries, "\(prefix).rows", count: settings.rowCount, dim: settings.dim)
        var moments: [RowStore] = []
        for name in settings.rule.momentNames {
            moments.append(
                try RowStore(
                    entries, "\(prefix).\(name)", count: touched.count, dim: settings.dim))
        }
        let updates = try entries.integers("\(prefix).updates")
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
        steps = []
        ahead = nil
        restoreChanges(arrays, prefix)
    }

    /// Takes over stored state of which nothing is known but itself.
    ///
    /// - Parameter entries: what `entries(prefix:)` gave, among others.
    public mutating func restore(
        _ entries: [SafetensorsEntry], prefix: String
    ) throws(TableError) {
        try restore(entries.map { ChangedArray($0) }, prefix: prefix)
    }

    /// Counts the rows as changed that are said to be.
    private mutating func restoreChanges(_ arrays: [ChangedArray], _ prefix: String) {
        func change(_ name: String) -> ArrayChange {
            arrays.first { $0.entry.name == "\(prefix).\(name)" }?.change ?? .whole
        }
        switch change("touched") {
        case .whole: changes.begin(slots: 0)
        case .rows: changes.begin(slots: touched.count)
        case .tail(let first): changes.begin(slots: first)
        }
        for chunk in 0..<RowStore.chunkCount(of: settings.rowCount) {
            let rows = RowStore.rows(ofChunk: chunk, of: settings.rowCount)
            if case .rows(let places) = change("rows.\(chunk)") {
                changes.note(places.map { Int32(rows.lowerBound) + $0 })
            } else {
                changes.note(rows.map { Int32($0) })
            }
        }
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

    private static func touchedRows(
        _ entries: [SafetensorsEntry], _ prefix: String, below rowCount: Int
    ) throws(TableError) -> [Int32] {
        let name = "\(prefix).touched"
        var isTouched = [Bool](repeating: false, count: rowCount)
        var rows: [Int32] = []
        for row in try entries.integers(name) {
            guard row >= 0, row < Int64(rowCount), !isTouched[Int(row)] else {
                throw .badRow(array: name, row: row)
            }
            isTouched[Int(row)] = true
            rows.append(Int32(row))
        }
        return rows
    }
}
