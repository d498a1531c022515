internal import Tensors

/// The rows of a center table that take part in a step (MLCD sheet, section 2.3; PartialFC).
///
/// With P the distinct positive classes of the whole batch and m the number wanted: if m >= |P|,
/// all of P and the m - |P| other rows of the largest keys; otherwise P alone, more than m rows.
/// Equal keys go to the lowest row.
public struct RowDraw: Sendable, Hashable {
    /// The drawn rows, ascending.
    public let rows: [Int32]
    /// |P|, the number of distinct positive classes.
    public let positiveCount: Int
    /// m, the number of rows wanted.
    public let wanted: Int
    /// Which of the rows may be negatives, in equation 5 read to the letter; nil: all.
    public let isNegative: [Bool]?

    /// Draws in one streaming pass over the keys, with memory for the drawn rows alone.
    ///
    /// - Parameters:
    ///   - positives: P: distinct, ascending, each below `rowCount`.
    ///   - rowCount: k, the number of rows of the table.
    ///   - wanted: m, at most `rowCount`.
    ///   - keys: one key a row, uniform; the largest are drawn.
    public init(positives: [Int32], rowCount: Int, wanted: Int, keys: some DrawKeys) {
        precondition(wanted >= 0 && wanted <= rowCount, "\(wanted) of \(rowCount) rows")
        precondition(
            zip(positives, positives.dropFirst()).allSatisfy { $0 < $1 }
                && (positives.last ?? 0) < Int32(max(1, rowCount)) && (positives.first ?? 0) >= 0,
            "positives are distinct rows below \(rowCount), ascending")
        positiveCount = positives.count
        self.wanted = wanted
        isNegative = nil
        if wanted < positives.count {
            rows = positives
        } else if wanted == rowCount {
            rows = (0..<Int32(rowCount)).map { $0 }
        } else {
            let others = Self.largest(
                wanted - positives.count, of: rowCount, except: positives, keys: keys)
            rows = Self.merged(positives, others)
        }
    }

    private init(rows: [Int32], positiveCount: Int, wanted: Int, isNegative: [Bool]) {
        self.rows = rows
        self.positiveCount = positiveCount
        self.wanted = wanted
        self.isNegative = isNegative
    }

    /// The place of a row among the drawn ones, or `nil` if it is not drawn.
    public func position(of row: Int32) -> Int? {
        let place = place(from: row)
        return place < rows.count && rows[place] == row ? place : nil
    }

    /// The place of the first drawn row that is not below this one.
    func place(from row: Int32) -> Int {
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if rows[middle] < row { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The rows of several draws, each once, ascending.
    static func merged(_ draws: [[Int32]]) -> [Int32] {
        guard draws.count > 1 else { return draws.first ?? [] }
        return positives(of: draws.joined())
    }

    /// The distinct classes of a batch, ascending.
    public static func positives(of labels: some Sequence<Int32>) -> [Int32] {
        // Sorted as an array, whose element type the compiler knows.
        var sorted = Array(labels)
        sorted.sort()
        var distinct: [Int32] = []
        for label in sorted where distinct.last != label { distinct.append(label) }
        return distinct
    }

    /// Equation 5 read to the letter: the `wanted` largest keys of all rows are negatives whatever
    /// the batch holds, and positives come besides for their own samples alone.
    ///
    /// - Returns: the union, and for each of its rows whether it is a negative.
    public static func literal(
        positives: [Int32], rowCount: Int, wanted: Int, keys: some DrawKeys
    ) -> RowDraw {
        let chosen = RowDraw(positives: [], rowCount: rowCount, wanted: wanted, keys: keys)
        let only = positives.filter { chosen.position(of: $0) == nil }
        let rows = merged(only, chosen.rows)
        return RowDraw(
            rows: rows, positiveCount: positives.count, wanted: wanted,
            isNegative: rows.map { chosen.position(of: $0) != nil })
    }

    /// The `count` rows of the largest keys, ascending.
    ///
    /// Where the keys' distribution is known, all that lies well below the expected threshold is
    /// passed over at once, and only what lies near it is put in order; should too few rows be
    /// left, once in some 10^8 draws, the pass is made again over all.
    private static func largest(
        _ count: Int, of rowCount: Int, except positives: [Int32], keys: some DrawKeys
    ) -> [Int32] {
        guard count > 0 else { return [] }
        let others = rowCount - positives.count
        // Six standard deviations of the number of keys above a threshold.
        let (wanted, slack) = (Double(count), 6 * Double(count).squareRoot() + 6)
        if let floor = keys.exceeded(by: (wanted + slack) / Double(others)) {
            var few = Candidates(count: count, floor: floor)
            few.collect(rowCount, except: positives, keys: keys)
            let ceiling = keys.exceeded(by: max(0, wanted - slack) / Double(others))
            if let rows = few.finish(ceiling: ceiling) { return rows }
        }
        var all = Candidates(count: count, floor: 0)
        all.collect(rowCount, except: positives, keys: keys)
        guard let rows = all.finish(ceiling: nil) else {
            preconditionFailure("\(count) of \(others) rows were not found")
        }
        return rows
    }

    private static func merged(_ a: [Int32], _ b: [Int32]) -> [Int32] {
        var result: [Int32] = []
        result.reserveCapacity(a.count + b.count)
        var (i, j) = (0, 0)
        while i < a.count || j < b.count {
            if j == b.count || (i < a.count && a[i] < b[j]) {
                result.append(a[i])
                i += 1
            } else {
                result.append(b[j])
                j += 1
            }
        }
        return result
    }
}

/// The rows of the largest keys so far.
///
/// A candidate is a key above the complement of its row: one comparison orders by key, then by
/// lowest row. The list is cut back to the best `count` whenever it holds twice as many; what lies
/// below the worst of them never enters again.
private struct Candidates {
    private let count: Int
    private let capacity: Int
    private var floor: UInt64
    private var values = ContiguousArray<UInt64>()

    /// Keys that are asked for at a time: a few pages.
    private static let keyBlock = 4096

    init(count: Int, floor: UInt32) {
        self.count = count
        capacity = max(2 * count, Self.keyBlock)
        self.floor = UInt64(floor) << 32
    }

    /// Takes in the keys of all rows that are no positives.
    mutating func collect(_ rowCount: Int, except positives: [Int32], keys: some DrawKeys) {
        var block = [UInt32](repeating: 0, count: Self.keyBlock)
        var nextPositive = 0
        for first in stride(from: 0, to: rowCount, by: Self.keyBlock) {
            let end = min(rowCount, first + Self.keyBlock)
            keys.fill(&block, count: end - first, from: first)
            var row = first
            while row < end {
                let isLast = nextPositive == positives.count
                let stop = isLast ? end : min(end, Int(positives[nextPositive]))
                take(block, from: row - first, to: stop - first, firstRow: first)
                row = stop
                if stop < end {
                    nextPositive += 1
                    row += 1
                }
            }
        }
    }

    private mutating func take(_ block: [UInt32], from: Int, to: Int, firstRow: Int) {
        for offset in from..<to {
            let candidate = UInt64(block[offset]) << 32 | UInt64(~UInt32(firstRow + offset))
            guard candidate >= floor else { continue }
            if values.count == capacity { floor = keepLargest(count, &values) }
            if candidate >= floor { values.append(candidate) }
        }
    }

    /// The rows of the `count` largest keys, ascending; nil if fewer were above the first floor.
    ///
    /// - Parameter ceiling: a key that somewhat fewer than `count` are likely to exceed, so that
    ///   those need not be put in order; nil if none is known.
    mutating func finish(ceiling: UInt32?) -> [Int32]? {
        guard values.count >= count else { return nil }
        if values.count > count { _ = keepLargest(count, &values, ceiling: ceiling) }
        return values.map { Int32(bitPattern: ~UInt32(truncatingIfNeeded: $0)) }
    }
}

/// Keeps the `count` largest of distinct values, in the order in which they stand.
///
/// - Parameter ceiling: the upper half of a value; if fewer than `count` lie above it, only the
///   others are put in order.
/// - Returns: the smallest value kept.
private func keepLargest(
    _ count: Int, _ values: inout ContiguousArray<UInt64>, ceiling: UInt32? = nil
) -> UInt64 {
    var scratch = values
    var place = count - 1
    if let ceiling {
        let top = UInt64(ceiling) << 32 | 0xFFFF_FFFF
        var near = ContiguousArray<UInt64>()
        for value in values where value <= top { near.append(value) }
        let above = values.count - near.count
        if above < count {
            scratch = near
            place = count - above - 1
        }
    }
    let floor = selectDescending(place, &scratch)
    var kept = 0
    for index in 0..<values.count where values[index] >= floor {
        values[kept] = values[index]
        kept += 1
    }
    values.removeLast(values.count - kept)
    return floor
}

/// The value at `place` of the descending order (Hoare's selection, median of three).
private func selectDescending(_ place: Int, _ values: inout ContiguousArray<UInt64>) -> UInt64 {
    var low = 0
    var high = values.count - 1
    while low < high {
        let (a, b, c) = (values[low], values[(low + high) / 2], values[high])
        let pivot = max(min(a, b), min(max(a, b), c))
        var (i, j) = (low, high)
        while i <= j {
            while values[i] > pivot { i += 1 }
            while values[j] < pivot { j -= 1 }
            if i <= j {
                values.swapAt(i, j)
                i += 1
                j -= 1
            }
        }
        if place <= j {
            high = j
        } else if place >= i {
            low = i
        } else {
            break
        }
    }
    return values[place]
}

/// Uniform keys of a table's rows, as integers of the same order.
public protocol DrawKeys {
    /// Writes the keys of the rows `first ..< first + count` to the beginning of `keys`.
    func fill(_ keys: inout [UInt32], count: Int, from first: Int)
    /// A key that about this share of all keys exceeds; nil where that is not known.
    func exceeded(by share: Double) -> UInt32?
}

/// Keys by counter: a function of seed, step and row alone.
public struct CounterKeys: DrawKeys, Sendable {
    private let random: CounterRandom

    /// The keys of a step.
    ///
    /// - Parameter column: the column of labels, where each has a draw of its own.
    public init(seed: UInt64, step: Int, column: Int = 0) {
        random = CounterRandom(
            seed: seed, stream: .negativeDraw, a: UInt64(step), b: UInt64(column))
    }

    /// Row i has the top 24 bits of word i, so the order is that of `uniform(at: i)`.
    public func fill(_ keys: inout [UInt32], count: Int, from first: Int) {
        precondition(count <= keys.count, "\(count) keys for \(keys.count) places")
        var span = keys.mutableSpan
        var words = span._mutatingExtracting(0..<count)
        random.fillBits(&words, from: first)
        for index in 0..<count { words[index] >>= 8 }
    }

    /// Keys are uniform in 0 ..< 2^24.
    public func exceeded(by share: Double) -> UInt32? {
        share < 1 ? UInt32((1 - share) * 0x1p24) : nil
    }
}

/// Keys that are given, each in [0, 1]: for reference values.
public struct GivenKeys: DrawKeys, Sendable {
    private let uniforms: [Float]

    /// One key a row.
    public init(_ uniforms: [Float]) {
        precondition(uniforms.allSatisfy { $0 >= 0 && $0 <= 1 }, "keys lie in [0, 1]")
        self.uniforms = uniforms
    }

    /// The bits of a float that is not negative order as the float does.
    public func fill(_ keys: inout [UInt32], count: Int, from first: Int) {
        for offset in 0..<count { keys[offset] = uniforms[first + offset].bitPattern }
    }

    /// Given keys may lie anyhow.
    public func exceeded(by share: Double) -> UInt32? { nil }
}
