internal import Buffers
internal import Kernels
internal import Objectives

/// Rows of a store as threads use them at the same time.
///
/// It holds the store's own memory, without a copy: rows that are written have been separated
/// (`RowStore.separate`), and no two threads use one row. So whoever holds an access sees later
/// writes; it does not outlive the call that it was made in.
struct RowAccess: Sendable {
    /// The chunks, as the store has them.
    let buffers: [AlignedBuffer]
    /// Floats of a row.
    let dim: Int
    /// Rows between the one that is used and the one that is called for: 4 KiB, so that the memory
    /// has the time of some misses.
    let rowsAhead: Int

    init(buffers: [AlignedBuffer], dim: Int) {
        self.buffers = buffers
        self.dim = dim
        rowsAhead = max(2, 1024 / dim)
    }

    /// Gives a row to `body`, to be read.
    @inline(__always)
    func read(_ row: Int32, _ body: (Span<Float>) -> Void) {
        let (chunk, place) = (Int(row) / RowStore.chunkRows, Int(row) % RowStore.chunkRows)
        let buffer = buffers[chunk]
        body(buffer.floats.extracting((place * dim)..<((place + 1) * dim)))
    }

    /// Gives rows of one chunk to `body`, to be read; false if they are not of one.
    func read(_ rows: Range<Int>, _ body: (Span<Float>) -> Void) -> Bool {
        let chunk = rows.lowerBound / RowStore.chunkRows
        guard !rows.isEmpty, (rows.upperBound - 1) / RowStore.chunkRows == chunk else {
            return false
        }
        let buffer = buffers[chunk]
        let first = rows.lowerBound % RowStore.chunkRows
        body(buffer.floats.extracting((first * dim)..<((first + rows.count) * dim)))
        return true
    }

    /// Gives a row to `body`, to be written.
    @inline(__always)
    func withRow(_ row: Int32, _ body: (inout MutableSpan<Float>) -> Void) {
        let (chunk, place) = (Int(row) / RowStore.chunkRows, Int(row) % RowStore.chunkRows)
        let buffer = buffers[chunk]
        var all = buffer.mutableFloats
        var part = all._mutatingExtracting((place * dim)..<((place + 1) * dim))
        body(&part)
    }
}

/// The drawn rows of a store.
struct StoredRows: DrawnRows {
    private let access: RowAccess
    private let numbers: [Int32]
    private let features: FeatureSubset?

    /// Those of the rows that have these numbers.
    ///
    /// - Parameter features: the coordinates to be read; nil: all.
    init(_ store: RowStore, numbers: [Int32], features: FeatureSubset?) {
        access = store.access
        dim = features?.count ?? store.dim
        self.numbers = numbers
        self.features = features
    }

    let dim: Int

    var count: Int { numbers.count }

    @_lifetime(target: copy target)
    private func copy(
        _ rows: Range<Int>, _ features: FeatureSubset, into target: inout MutableSpan<Float>
    ) {
        for (place, index) in rows.enumerated() {
            var part = target._mutatingExtracting(
                (place * features.count)..<((place + 1) * features.count))
            access.read(numbers[index]) { features.take($0, into: &part) }
        }
    }

    @_lifetime(target: copy target)
    func copy(_ rows: Range<Int>, into target: inout MutableSpan<Float>) {
        if let features { return copy(rows, features, into: &target) }
        var place = 0
        var index = rows.lowerBound
        while index < rows.upperBound {
            // Rows rise, so those of one chunk follow each other.
            let chunk = Int(numbers[index]) / RowStore.chunkRows
            let buffer = access.buffers[chunk]
            let source = buffer.floats
            while index < rows.upperBound, Int(numbers[index]) / RowStore.chunkRows == chunk {
                let next = index + access.rowsAhead
                if next < rows.upperBound { access.read(numbers[next]) { Prefetch.read($0) } }
                let start = Int(numbers[index]) % RowStore.chunkRows * dim
                Blocks.copy(source, from: start, count: dim, into: &target, at: place)
                place += dim
                index += 1
            }
        }
    }
}
