internal import Buffers
internal import Kernels
internal import Storage
internal import Synchronization
internal import Tensors

/// The rows of a store at one moment, taken chunk by chunk while the store's rows go on moving.
///
/// It looks at the store's own memory. A row that is to move before it was taken is saved first; a
/// chunk is put together, when it is taken, from saved rows and from those that have not moved. So
/// what is copied follows from how many rows move while a checkpoint is written, not from the size
/// of the table.
final class RowSnapshot: Sendable {
    /// The number of rows.
    let count: Int
    /// Floats of a row.
    let dim: Int
    private let chunks: [HeldChunk]

    /// Whether rows of a chunk may move.
    enum Saving {
        /// They may: those that will are saved.
        case saved
        /// They may: the chunk was taken before, and the snapshot looks at it no more.
        case taken
        /// They may not: there is no room to save them.
        case full
    }

    /// A snapshot of rows that lie in these buffers, which nobody else may write to but by `save`.
    init(_ buffers: [AlignedBuffer], count: Int, dim: Int, budget: CopyBudget) {
        (self.count, self.dim) = (count, dim)
        chunks = buffers.indices.map { chunk in
            HeldChunk(
                buffers[chunk], rowCount: RowStore.rows(ofChunk: chunk, of: count).count,
                dim: dim, budget: budget)
        }
    }

    /// The number of chunks.
    var chunkCount: Int { chunks.count }

    /// Whether the snapshot still looks at the store's memory of a chunk.
    func isHeld(_ chunk: Int) -> Bool { chunk < chunks.count && chunks[chunk].isHeld }

    /// Saves rows of a chunk that are about to move.
    ///
    /// - Parameter places: the rows' numbers in the chunk, none twice.
    func save(_ places: [Int32], inChunk chunk: Int) -> Saving {
        chunk < chunks.count ? chunks[chunk].save(places) : .taken
    }

    /// Waits until rows of a chunk can be saved, or need not be.
    func saveWhenPossible(_ places: [Int32], inChunk chunk: Int, budget: CopyBudget) -> Saving {
        var saving = Saving.full
        budget.retry {
            saving = save(places, inChunk: chunk)
            return saving != .full
        }
        return saving
    }

    /// The rows of a chunk as they were; to be called once.
    func take(_ chunk: Int) -> Tensor { chunks[chunk].take() }
}

/// A chunk of a snapshot, as a checkpoint writes it.
struct SnapshotChunk: FloatSource {
    let snapshot: RowSnapshot
    let chunk: Int

    var shape: Shape {
        [RowStore.rows(ofChunk: chunk, of: snapshot.count).count, snapshot.dim]
    }

    func take() -> Tensor { snapshot.take(chunk) }
}

/// A chunk of a snapshot.
///
/// Its lock is held while rows are copied, up to all of the chunk: two threads meet here, both of
/// them made for waiting.
private final class HeldChunk: Sendable {
    private let rowCount: Int
    private let dim: Int
    private let budget: CopyBudget
    private let state: Mutex<State>

    private struct State {
        /// The store's memory; nil once the chunk was taken.
        var buffer: AlignedBuffer?
        var saved: SavedRows
    }

    init(_ buffer: AlignedBuffer, rowCount: Int, dim: Int, budget: CopyBudget) {
        (self.rowCount, self.dim, self.budget) = (rowCount, dim, budget)
        state = Mutex(State(buffer: buffer, saved: SavedRows(dim: dim)))
    }

    /// A snapshot that nobody will take gives its room back.
    deinit { budget.release(state.withLock { $0.saved.byteCount }) }

    var isHeld: Bool { state.withLock { $0.buffer != nil } }

    func save(_ places: [Int32]) -> RowSnapshot.Saving {
        state.withLock { state in
            guard let buffer = state.buffer else { return .taken }
            // Rows that came after the snapshot are none of its own.
            let new = places.filter { $0 < rowCount && !state.saved.has($0) }
            guard !new.isEmpty else { return .saved }
            guard budget.reserve(4 * dim * new.count) else { return .full }
            state.saved.add(new, from: buffer, rowCount: rowCount)
            return .saved
        }
    }

    func take() -> Tensor {
        let target = AlignedBuffer(uninitializedByteCount: 4 * dim * rowCount)
        let freed = state.withLock { state in
            guard let buffer = state.buffer.take() else {
                preconditionFailure("a chunk of a snapshot is taken once")
            }
            state.saved.putTogether(with: buffer, rowCount: rowCount, into: target)
            let freed = state.saved.byteCount
            state.saved = SavedRows(dim: dim)
            return freed
        }
        budget.release(freed)
        return Tensor(viewing: target, byteOffset: 0, shape: [rowCount, dim])
    }
}

/// Rows of a chunk that have moved since, as they were before.
private struct SavedRows: Sendable {
    let dim: Int
    /// Bytes of the rows.
    private(set) var byteCount = 0
    /// Rows that were saved at a time, one after the other.
    private var blocks: [AlignedBuffer] = []
    /// Where each row of the chunk was saved; empty while none was.
    ///
    /// Number of the block x rows of a chunk + place in it, -1 for a row that was not saved.
    private var addresses: [Int32] = []

    init(dim: Int) { self.dim = dim }

    func has(_ place: Int32) -> Bool { !addresses.isEmpty && addresses[Int(place)] >= 0 }

    mutating func add(_ places: [Int32], from buffer: AlignedBuffer, rowCount: Int) {
        if addresses.isEmpty { addresses = Array(repeating: -1, count: rowCount) }
        let block = AlignedBuffer(uninitializedByteCount: 4 * dim * places.count)
        var target = block.mutableFloats
        for (index, place) in places.enumerated() {
            Blocks.copy(
                buffer.floats, from: Int(place) * dim, count: dim, into: &target, at: index * dim)
            addresses[Int(place)] = Int32(blocks.count * RowStore.chunkRows + index)
        }
        blocks.append(block)
        byteCount += block.byteCount
    }

    /// Writes the chunk as it was: saved rows, and those between them from `buffer`.
    func putTogether(with buffer: AlignedBuffer, rowCount: Int, into target: AlignedBuffer) {
        var floats = target.mutableFloats
        guard !addresses.isEmpty else {
            Blocks.copy(buffer.floats, count: rowCount * dim, into: &floats, at: 0)
            return
        }
        for place in 0..<rowCount {
            let address = Int(addresses[place])
            let source = address < 0 ? buffer : blocks[address / RowStore.chunkRows]
            let row = address < 0 ? place : address % RowStore.chunkRows
            Blocks.copy(
                source.floats, from: row * dim, count: dim, into: &floats, at: place * dim)
        }
    }
}
