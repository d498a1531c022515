import Buffers
import Tensors

/// Puts a file of changes and the base's arrays together.
///
/// Bytes were compared with checksums by whoever read them; that they fit each other is checked
/// here.
struct ArrayMerge {
    /// The file of changes, for messages.
    let path: String

    /// The arrays of a base with these changes, each with how it differs from the base.
    ///
    /// - Parameters:
    ///   - base: all arrays of the base, in memory that nobody else looks at: rows are put there.
    ///   - changes: all arrays of the file of changes.
    func merged(
        _ base: [SafetensorsEntry], changedBy changes: [SafetensorsEntry]
    ) throws(StorageError) -> [ChangedArray] {
        var changed = Dictionary(changes.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        var merged: [ChangedArray] = []
        for entry in base {
            let places = changed.removeValue(forKey: ChangedArray.places(entry.name))
            let first = changed.removeValue(forKey: ChangedArray.first(entry.name))
            guard let change = changed.removeValue(forKey: entry.name) else {
                guard places == nil, first == nil else { throw problem(entry.name, "is missing") }
                merged.append(ChangedArray(entry, .rows([])))
                continue
            }
            switch (entry.value, change, places, first) {
            case (.f32(let rows), .f32(let new), .i64(let places, _)?, nil):
                merged.append(try self.rows(entry.name, rows, new, places))
            case (.i64(let values, _), .i64(let tail, _), nil, .i64(let first, _)?):
                guard first.count == 1, first[0] >= 0, first[0] <= Int64(values.count) else {
                    throw problem(entry.name, "follows \(first) of \(values.count) elements")
                }
                merged.append(
                    ChangedArray(
                        SafetensorsEntry(entry.name, .i64(values.prefix(Int(first[0])) + tail)),
                        .tail(from: Int(first[0]))))
            case (_, _, nil, nil): merged.append(ChangedArray(SafetensorsEntry(entry.name, change)))
            default: throw problem(entry.name, "is of another type than the base's")
            }
        }
        // What the base has not, in the order of the file.
        for entry in changes where changed[entry.name] != nil {
            merged.append(ChangedArray(entry))
        }
        return merged
    }

    /// A matrix with rows in the place of the base's, or behind them.
    private func rows(
        _ name: String, _ base: Tensor, _ new: Tensor, _ places: [Int64]
    ) throws(StorageError) -> ChangedArray {
        guard base.shape.rank == 2, new.shape.rank == 2, base.shape[1] == new.shape[1] else {
            throw problem(name, "has rows \(new.shape) for \(base.shape)")
        }
        let count = try rowCount(name, base: base.shape[0], places, rows: new.shape[0])
        let columns = base.shape[1]
        var merged = base
        if count > base.shape[0] {
            merged = Tensor(uninitialized: [count, columns])
            var target = merged.mutableSpan
            copyFloats(base.span, from: 0, count: base.count, into: &target, at: 0)
        }
        // In place: a tensor's own span would first copy what the list of arrays holds, too.
        let (memory, start) = (merged.buffer, merged.byteOffset / 4)
        var target = memory.mutableFloats
        for (index, place) in places.enumerated() {
            copyFloats(
                new.span, from: index * columns, count: columns, into: &target,
                at: start + Int(place) * columns)
        }
        return ChangedArray(
            SafetensorsEntry(name, .f32(merged)), .rows(places.map { Int32($0) }))
    }

    /// The rows of a matrix with changed ones: those behind the base's follow without a gap.
    func rowCount(
        _ name: String, base: Int, _ places: [Int64], rows: Int
    ) throws(StorageError) -> Int {
        guard places.count == rows, places.first ?? 0 >= 0, places.last ?? 0 < Int64(Int32.max),
            zip(places, places.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw problem(name, "has \(rows) rows and places that are none or do not rise") }
        let count = max(base, Int(places.last ?? -1) + 1)
        let behind = places.reversed().prefix { $0 >= Int64(base) }.count
        guard behind == count - base else {
            throw problem(name, "has \(behind) of \(count - base) rows behind the base's")
        }
        return count
    }

    func problem(_ name: String, _ what: String) -> StorageError {
        .malformed(path: path, reason: "the change of '\(name)' \(what)")
    }
}
