import Buffers
import Tensors

/// What of a streamed file differs from its base.
final class StreamedChanges: Sendable {
    let file: StreamedSafetensors
    /// The numbers of the rows that the file has of a matrix, rising, and the matrix's rows.
    let rows: [String: (places: [Int64], count: Int)]
    /// How many of the base's elements stand before those that the file has of a list.
    let firsts: [String: Int]
    /// Names that the base does not have.
    let added: [String]

    /// - Throws: `StorageError.malformed` if changes do not fit the base.
    init(_ file: StreamedSafetensors, of base: StreamedSafetensors) throws(StorageError) {
        var rows: [String: (places: [Int64], count: Int)] = [:]
        var firsts: [String: Int] = [:]
        var added: [String] = []
        let merge = ArrayMerge(path: file.path)
        let companions = Set(
            file.names.flatMap { [ChangedArray.places($0), ChangedArray.first($0)] })
        for name in base.names where !file.has(name) {
            guard !file.has(ChangedArray.places(name)), !file.has(ChangedArray.first(name)) else {
                throw merge.problem(name, "is missing")
            }
        }
        for name in file.names where !companions.contains(name) {
            let (places, first) = (ChangedArray.places(name), ChangedArray.first(name))
            if file.has(places) {
                let (old, new) = (try base.dims(name), try file.dims(name))
                guard old.count == 2, new.count == 2, old[1] == new[1],
                    try base.type(name) == .f32, try file.type(name) == .f32
                else { throw merge.problem(name, "has rows \(new) for \(old)") }
                let numbers = try file.integers(0..<(try file.dims(places).first ?? 0), of: places)
                let count = try merge.rowCount(name, base: old[0], numbers, rows: new[0])
                rows[name] = (numbers, count)
            } else if file.has(first) {
                let old = try base.dims(name)
                let numbers = try file.integers(0..<(try file.dims(first).first ?? 0), of: first)
                guard old.count == 1, numbers.count == 1, numbers[0] >= 0,
                    numbers[0] <= Int64(old[0])
                else { throw merge.problem(name, "follows \(numbers) of \(old) elements") }
                firsts[name] = Int(numbers[0])
            } else if !base.has(name) {
                added.append(name)
            }
        }
        (self.file, self.rows, self.firsts, self.added) = (file, rows, firsts, added)
    }

    /// Rows of a matrix of which the file has some: the base's with those in their places.
    func rows(
        _ range: Range<Int>, of name: String, over base: StreamedSafetensors
    ) throws(StorageError) -> Tensor? {
        guard let (places, _) = rows[name] else { return nil }
        let columns = try base.dims(name)[1]
        let old = try base.dims(name)[0]
        var merged = Tensor(uninitialized: [range.count, columns])
        var target = merged.mutableSpan
        let covered = range.clamped(to: 0..<old)
        if !covered.isEmpty {
            let part = try base.rows(covered, of: name)
            copyFloats(part.span, from: 0, count: part.count, into: &target, at: 0)
        }
        // Those that lie in the range follow each other in the file.
        let first = places.firstPlace { $0 >= Int64(range.lowerBound) }
        let end = places.firstPlace { $0 >= Int64(range.upperBound) }
        let new = try file.rows(first..<end, of: name)
        for index in first..<end {
            copyFloats(
                new.span, from: (index - first) * columns, count: columns, into: &target,
                at: (Int(places[index]) - range.lowerBound) * columns)
        }
        return merged
    }

    /// Integers of a list of which the file has the end.
    func integers(
        _ range: Range<Int>, of name: String, over base: StreamedSafetensors
    ) throws(StorageError) -> [Int64]? {
        guard let first = firsts[name] else { return nil }
        let before = range.clamped(to: 0..<first)
        let behind = max(range.lowerBound, first)..<max(range.upperBound, first)
        return try base.integers(before, of: name)
            + file.integers((behind.lowerBound - first)..<(behind.upperBound - first), of: name)
    }
}

extension RandomAccessCollection where Index == Int {
    /// The place of the first element for which `isBehind` holds, where it holds for all after it.
    func firstPlace(where isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
