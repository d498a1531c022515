import Buffers
import Identity
import Methods
import Tensors
import Threads

/// The digest that names a version: SHA-256 over the digests of blocks of 2^18 floats, parameters
/// first, then buffers, with the counts of both before them.
///
/// The blocks' size alone decides the digest.
///
/// - Parameter threads: threads that hash, since every worker waits for it between two steps.
func digest(of version: VersionTensors, threads: Int) -> Digest {
    let blocks =
        blockRanges(version.parameters).map { (version.parameters, $0) }
        + blockRanges(version.buffers).map { (version.buffers, $0) }
    let digests = mapBlocks(count: blocks.count, threads: threads) { block in
        digest(of: blocks[block].0, blocks[block].1)
    }
    var hasher = SHA256Hasher()
    hasher.update("version \(version.parameters.count) \(version.buffers.count)\n")
    for digest in digests { hasher.update(digest.bytes) }
    return hasher.finalize()
}

private func blockRanges(_ tensor: Tensor) -> [Range<Int>] {
    let size = 1 << 18
    return stride(from: 0, to: tensor.count, by: size).map { $0..<min($0 + size, tensor.count) }
}

@inline(never)
private func digest(of tensor: Tensor, _ floats: Range<Int>) -> Digest {
    let first = tensor.byteOffset + 4 * floats.lowerBound
    var hasher = SHA256Hasher()
    hasher.update(tensor.buffer.bytes.extracting(first..<(first + 4 * floats.count)))
    return hasher.finalize()
}

extension Digest {
    /// Another name for what this digest names, the same in every process.
    func renamed(afterDoubt number: Int) -> Digest { sha256("\(hex) after doubt \(number)") }
}
