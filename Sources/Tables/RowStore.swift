internal import Buffers
internal import Kernels
internal import Storage
internal import Tensors
internal import Threads

/// Rows of floats in chunks of a fixed number of rows.
///
/// Chunks let a table grow without moving what it has: each is mapped whole and takes memory page
/// by page as rows are written. A store is a value: writing copies the chunks that are written and
/// held elsewhere, one at a time. A checkpoint holds on to the rows by a snapshot, for which only
/// the rows are copied that are written before it has them.
struct RowStore: Sendable {
    /// Rows of a chunk: 32 MiB at 512 floats a row.
    static let chunkRows = 16384

    /// The number of rows.
    private(set) var count: Int
    /// Floats of a row.
    let dim: Int
    /// `[chunkRows, dim]` each, zeros past the last row.
    private var buffers: [AlignedBuffer]
    /// The snapshot that looks at the buffers, while there is one.
    private var hold: Hold?

    /// Rows of zeros.
    init(count: Int, dim: Int) {
        self.count = 0
        self.dim = dim
        buffers = []
        grow(to: count)
    }

    /// Rows that `fill` writes, chunk by chunk on several threads.
    ///
    /// - Parameter fill: gets the numbers of a chunk's rows, and their memory.
    init(
        count: Int, dim: Int, threads: Int,
        fill: @escaping @Sendable (Range<Int>, inout MutableSpan<Float>) -> Void
    ) {
        self.init(count: count, dim: dim)
        let buffers = buffers
        _ = mapBlocks(count: buffers.count, threads: threads) { chunk in
            let rows = Self.rows(ofChunk: chunk, of: count)
            let buffer = buffers[chunk]
            var all = buffer.mutableFloats
            var part = all._mutatingExtracting(0..<(rows.count * dim))
            fill(rows, &part)
        }
    }

    /// The rows of a matrix, copied on several threads.
    init(copying rows: Tensor, threads: Int) {
        let dim = rows.shape[1]
        self.init(count: rows.shape[0], dim: dim, threads: threads) {
            Blocks.copy(
                rows.span, from: $0.lowerBound * dim, count: $0.count * dim, into: &$1, at: 0)
        }
    }

    /// The rows of these chunks, or `nil` if they do not follow one another as chunks do.
    ///
    /// Memory of whole chunks is taken over as it is; whoever else holds it has a copy made once
    /// rows are written.
    init?(chunks: [Tensor], count: Int, dim: Int) {
        var left = count
        for chunk in chunks {
            let rows = min(left, Self.chunkRows)
            guard rows > 0, chunk.shape == [rows, dim] else { return nil }
            left -= rows
        }
        guard left == 0 else { return nil }
        (self.count, self.dim) = (count, dim)
        buffers = chunks.map { chunk in
            let byteCount = 4 * Self.chunkRows * dim
            if chunk.byteOffset == 0, chunk.buffer.byteCount == byteCount { return chunk.buffer }
            let buffer = AlignedBuffer(byteCount: byteCount)
            var target = buffer.mutableFloats
            Blocks.copy(chunk.span, into: &target, at: 0)
            return buffer
        }
    }

    /// The rows of a chunk in a store of so many rows.
    static func rows(ofChunk chunk: Int, of count: Int) -> Range<Int> {
        (chunk * chunkRows)..<min(count, (chunk + 1) * chunkRows)
    }

    /// The number of chunks of a store of so many rows.
    static func chunkCount(of count: Int) -> Int { (count + chunkRows - 1) / chunkRows }

    /// Bytes of memory.
    var byteCount: Int { 4 * count * dim }

    /// The chunks `[rows, dim]`, which share memory with the store.
    ///
    /// Those at which a snapshot looks are copies: they will be written where they lie.
    var chunks: [Tensor] {
        buffers.indices.map { chunk in
            let rows = Self.rows(ofChunk: chunk, of: count).count
            let isHeld = hold?.snapshot?.isHeld(chunk) ?? false
            return Tensor(
                viewing: isHeld ? copy(ofChunk: chunk) : buffers[chunk], byteOffset: 0,
                shape: [rows, dim])
        }
    }

    /// Adds rows of zeros at the end.
    mutating func grow(to newCount: Int) {
        precondition(newCount >= count, "a row store does not shrink")
        while buffers.count < Self.chunkCount(of: newCount) {
            buffers.append(AlignedBuffer(byteCount: 4 * Self.chunkRows * dim))
        }
        count = newCount
    }

    /// Makes rows ready to be written.
    ///
    /// For a snapshot that has still to take their chunk the rows are saved, for which this waits
    /// if its budget has no room; other chunks that anybody else holds, too, are copied.
    mutating func separate(_ rows: [Int32], threads: Int) {
        var isWritten = [Bool](repeating: false, count: buffers.count)
        for row in rows { isWritten[Int(row) / Self.chunkRows] = true }
        for chunk in saveForSnapshot(rows, threads: threads) { isWritten[chunk] = false }
        var shared: [Int] = []
        for chunk in buffers.indices where isWritten[chunk] {
            if !isKnownUniquelyReferenced(&buffers[chunk]) { shared.append(chunk) }
        }
        copy(shared, threads: threads)
    }

    /// The rows as they are now, for a checkpoint; later writes count their copies in `budget`.
    mutating func snapshot(_ budget: CopyBudget, threads: Int) -> RowSnapshot {
        // Rows will be written where they lie: nobody else may look at them.
        var shared: [Int] = []
        for chunk in buffers.indices where !isKnownUniquelyReferenced(&buffers[chunk]) {
            shared.append(chunk)
        }
        copy(shared, threads: threads)
        let snapshot = RowSnapshot(buffers, count: count, dim: dim, budget: budget)
        hold = Hold(snapshot, budget: budget)
        return snapshot
    }

    /// Saves rows for the snapshot, if there is one; gives the chunks in which they may then be
    /// written where they lie.
    private mutating func saveForSnapshot(_ rows: [Int32], threads: Int) -> [Int] {
        guard let (snapshot, budget) = ownSnapshot(threads: threads) else { return [] }
        var places = [[Int32]](repeating: [], count: snapshot.chunkCount)
        for row in rows where Int(row) / Self.chunkRows < places.count {
            places[Int(row) / Self.chunkRows].append(row % Int32(Self.chunkRows))
        }
        let savings = mapBlocks(count: places.count, threads: threads) { [places] chunk in
            places[chunk].isEmpty ? .taken : snapshot.save(places[chunk], inChunk: chunk)
        }
        return places.indices.filter { chunk in
            guard savings[chunk] == .full else { return savings[chunk] == .saved }
            let saving = snapshot.saveWhenPossible(
                places[chunk], inChunk: chunk, budget: budget)
            return saving == .saved
        }
    }

    /// The snapshot that looks at these buffers, if there is one.
    ///
    /// A copy of the store goes its own way: whoever writes first leaves the buffers to the other.
    private mutating func ownSnapshot(threads: Int) -> (RowSnapshot, CopyBudget)? {
        guard var held = hold.take() else { return nil }
        guard isKnownUniquelyReferenced(&held.owner) else {
            copy(Array(buffers.indices), threads: threads)
            return nil
        }
        guard let snapshot = held.snapshot else { return nil }
        hold = held
        return (snapshot, held.budget)
    }

    /// Puts copies in the place of chunks.
    private mutating func copy(_ chunks: [Int], threads: Int) {
        guard !chunks.isEmpty else { return }
        let old = self
        let copies = mapBlocks(count: chunks.count, threads: threads) {
            old.copy(ofChunk: chunks[$0])
        }
        for (chunk, copy) in zip(chunks, copies) { buffers[chunk] = copy }
    }

    private func copy(ofChunk chunk: Int) -> AlignedBuffer {
        let source = buffers[chunk]
        let copy = AlignedBuffer(byteCount: source.byteCount)
        var target = copy.mutableFloats
        let floats = dim * Self.rows(ofChunk: chunk, of: count).count
        Blocks.copy(source.floats, count: floats, into: &target, at: 0)
        return copy
    }

    /// A snapshot as its store knows it, which does not keep it.
    private struct Hold: Sendable {
        private(set) weak var snapshot: RowSnapshot?
        let budget: CopyBudget
        /// Held by one store alone, unless that was copied.
        var owner = Owner()

        init(_ snapshot: RowSnapshot, budget: CopyBudget) {
            (self.snapshot, self.budget) = (snapshot, budget)
        }
    }

    private final class Owner: Sendable {}

    /// The rows, as threads read and write them where they lie.
    var access: RowAccess { RowAccess(buffers: buffers, dim: dim) }

    /// All rows, copied into a tensor `[count, dim]`.
    func copied() -> Tensor {
        var result = Tensor(uninitialized: [count, dim])
        var target = result.mutableSpan
        for (chunk, tensor) in chunks.enumerated() {
            Blocks.copy(tensor.span, into: &target, at: chunk * Self.chunkRows * dim)
        }
        return result
    }
}
