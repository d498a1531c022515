/// Which rows of a table have moved since a checkpoint, and how many had ever been drawn then.
struct ChangedRows: Sendable {
    private var isChanged: [Bool]
    /// Rows that had a slot.
    private(set) var firstSlot = 0

    /// No row of so many.
    init(rowCount: Int) { isChanged = Array(repeating: false, count: rowCount) }

    /// Rows move.
    mutating func note(_ rows: [Int32]) {
        for row in rows { isChanged[Int(row)] = true }
    }

    /// Counting begins anew, with so many slots.
    mutating func begin(slots: Int) {
        self = ChangedRows(rowCount: isChanged.count)
        firstSlot = slots
    }

    /// The places of changed rows in each chunk of the table, rising.
    var places: [[Int32]] { Self.places(isChanged) }

    /// The places of changed moments in each chunk of the slots, rising.
    ///
    /// - Parameters:
    ///   - slots: the slot of each row, -1 for one without.
    ///   - count: the number of slots.
    func momentPlaces(_ slots: [Int32], count: Int) -> [[Int32]] {
        var isMoved = [Bool](repeating: false, count: count)
        for row in isChanged.indices where isChanged[row] && slots[row] >= 0 {
            isMoved[Int(slots[row])] = true
        }
        return Self.places(isMoved)
    }

    private static func places(_ flags: [Bool]) -> [[Int32]] {
        (0..<RowStore.chunkCount(of: flags.count)).map { chunk in
            let rows = RowStore.rows(ofChunk: chunk, of: flags.count)
            return rows.filter { flags[$0] }.map { Int32($0 - rows.lowerBound) }
        }
    }
}
