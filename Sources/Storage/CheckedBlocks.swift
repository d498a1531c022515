import Buffers
import Threads

/// A file of a checkpoint that is read block by block on several threads, each block compared with
/// its checksum on the way.
struct CheckedBlocks {
    let path: String
    private let file: any OpenFile
    private let listed: CheckpointFile

    /// Blocks that the disk fetches while others are copied and summed.
    private static let blocksAhead = 32
    /// Threads that read and sum: memory is full before more are busy.
    private static let threads = max(1, min(4, processorCount))

    /// Opens a file.
    ///
    /// - Throws: `StorageError.damaged` if it has not the size that is listed.
    init(
        _ path: String, listed: CheckpointFile, fileSystem: any FileSystem
    ) throws(StorageError) {
        file = try fileSystem.open(path, .read)
        (self.path, self.listed) = (path, listed)
        let byteCount = try file.byteCount()
        guard byteCount == listed.byteCount else {
            throw .damaged(
                path: path, reason: "has \(byteCount) bytes, \(listed.byteCount) were written")
        }
    }

    /// The file's size.
    var byteCount: Int { listed.byteCount }

    /// The file as memory, which nobody has compared.
    func mapped() throws(StorageError) -> AlignedBuffer { try file.mapped() }

    /// Reads the file to the end, and compares every block.
    func check() throws(StorageError) {
        try read { file, range throws(StorageError) in
            CRC32C.checksum(try file.read(at: range.lowerBound, count: range.count))
        }
    }

    /// Reads the file into these buffers, which lie in it one after the other from `start` on, and
    /// compares every block.
    func read(into buffers: [AlignedBuffer], from start: Int) throws(StorageError) {
        var ends: [Int] = []
        for buffer in buffers { ends.append((ends.last ?? start) + buffer.byteCount) }
        precondition(ends.last ?? start == listed.byteCount, "buffers do not fill the file")
        try read { [ends] file, range throws(StorageError) in
            var sum: UInt32 = 0
            var place = range.lowerBound
            if place < start {
                let head = try file.read(at: place, count: min(range.upperBound, start) - place)
                sum = CRC32C.checksum(head)
                place += head.count
            }
            var index = ends.firstPlace { $0 > place }
            while place < range.upperBound {
                let buffer = buffers[index]
                let first = ends[index] - buffer.byteCount
                let part = (place - first)..<(min(ends[index], range.upperBound) - first)
                var all = buffer.mutableBytes
                var bytes = all._mutatingExtracting(part)
                try file.read(at: place, into: &bytes)
                sum = CRC32C.checksum(buffer.bytes.extracting(part), continuing: sum)
                place = first + part.upperBound
                index += 1
            }
            return sum
        }
    }

    /// Has every block read and summed by `body`, and compares; names the first one that differs.
    private func read(
        _ body: @escaping @Sendable (any OpenFile, Range<Int>) throws(StorageError) -> UInt32
    ) throws(StorageError) {
        let (file, path, listed) = (file, path, listed)
        let sums = listed.blocks.sums
        let ahead = Self.blocksAhead * BlockChecksums.blockBytes
        file.fetchAhead(at: 0, count: ahead)
        let failures = mapBlocks(count: sums.count, threads: Self.threads) {
            block -> StorageError? in
            let range = BlockChecksums.range(ofBlock: block, of: listed.byteCount)
            file.fetchAhead(at: range.lowerBound + ahead, count: BlockChecksums.blockBytes)
            do throws(StorageError) {
                guard try body(file, range) != sums[block] else { return nil }
                return .damaged(
                    path: path,
                    reason: BlockChecksums.reason(damagedBlock: block, of: listed.byteCount))
            } catch {
                return error
            }
        }
        if let failure = failures.lazy.compactMap(\.self).first { throw failure }
    }
}
