import Buffers
import Identity
import Methods
import Tensors
import Threads

/// The digest that names a version: SHA-256 over the digests of blocks of 2^18 floats, parameters
/// first, then buffers, with the counts of both before them.
///
/// Blocks are hashed on several threads, since every worker waits for it between two steps; their
/// size alone decides the digest.
func digest(of version: VersionTensors) -> Digest {
    let blocks =
        blockRanges(version.parameters).map { (version.parameters, $0) }
        + blockRanges(version.buffers).map { (version.buffers, $0) }
    let others = (1..<hashingThreads).map { stripe in
        PendingValue { digests(of: blocks, stripe: stripe) }
    }
    let stripes = [digests(of: blocks, stripe: 0)] + others.map { $0.wait() }
    var hasher = SHA256Hasher()
    hasher.update("version \(version.parameters.count) \(version.buffers.count)\n")
    for block in blocks.indices {
        hasher.update(stripes[block % hashingThreads][block / hashingThreads].bytes)
    }
    return hasher.finalize()
}

/// Threads that hash; the number decides no bit.
private let hashingThreads = 2

private func blockRanges(_ tensor: Tensor) -> [Range<Int>] {
    let size = 1 << 18
    return stride(from: 0, to: tensor.count, by: size).map { $0..<min($0 + size, tensor.count) }
}

/// Digests of every block whose number leaves the remainder `stripe`, in order.
@inline(never)
private func digests(of blocks: [(Tensor, Range<Int>)], stripe: Int) -> [Digest] {
    stride(from: stripe, to: blocks.count, by: hashingThreads).map { block in
        let (tensor, floats) = blocks[block]
        let first = tensor.byteOffset + 4 * floats.lowerBound
        var hasher = SHA256Hasher()
        hasher.update(tensor.buffer.bytes.extracting(first..<(first + 4 * floats.count)))
        return hasher.finalize()
    }
}

extension Digest {
    /// Another name for what this digest names, the same in every process.
    func renamed(_ again: Int) -> Digest { sha256("\(hex) opened again, \(again)") }
}
