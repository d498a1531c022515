internal import Buffers
public import Identity
public import Tensors
internal import Threads

extension VersionTensors {
    /// The digest that names the version: SHA-256 over the digests of blocks of 2^18 floats,
    /// parameters first, then buffers, with the counts of both before them, and the averages'
    /// digest behind them where there are any.
    ///
    /// The blocks' size alone decides the digest.
    ///
    /// - Parameters:
    ///   - averages: `averagesDigest`.
    ///   - threads: threads that hash, since every worker waits for it between two steps.
    public func digest(averages: Digest?, threads: Int) -> Digest {
        var hasher = SHA256Hasher()
        hasher.update("version \(parameters.count) \(buffers.count)\n")
        for digest in blockDigests(of: [parameters, buffers], threads: threads) {
            hasher.update(digest.bytes)
        }
        if let averages { hasher.update(averages.bytes) }
        return hasher.finalize()
    }

    /// The digest by which averages are known, in leases and where a worker derives them: SHA-256
    /// over the digests of blocks of 2^18 floats, with their count before them; nil without any.
    public func averagesDigest(threads: Int) -> Digest? {
        averages.map { VersionTensors.digest(ofAverages: $0, threads: threads) }
    }

    /// The digest of averages that no version has yet.
    public static func digest(ofAverages averages: Tensor, threads: Int) -> Digest {
        var hasher = SHA256Hasher()
        hasher.update("averages \(averages.count)\n")
        for digest in blockDigests(of: [averages], threads: threads) {
            hasher.update(digest.bytes)
        }
        return hasher.finalize()
    }
}

private func blockDigests(of tensors: [Tensor], threads: Int) -> [Digest] {
    let blocks = tensors.flatMap { tensor in blockRanges(tensor).map { (tensor, $0) } }
    return mapBlocks(count: blocks.count, threads: threads) { block in
        digest(of: blocks[block].0, blocks[block].1)
    }
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
