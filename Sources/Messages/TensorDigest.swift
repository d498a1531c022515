internal import Buffers
public import Identity
public import Optimizers
public import Tensors
public import Wire

/// SHA-256 of tensors: their number, then of each its name, type, shape and little-endian bits, in
/// order (PROTOCOL.md, "Digests of tensors").
///
/// Equal digests mean equal bits, names and shapes.
public func digest(of tensors: [WireTensor]) -> Digest {
    var hasher = SHA256Hasher()
    var count = FieldWriter()
    count.count(tensors.count)
    hasher.update(count.bytes)
    for tensor in tensors {
        var head = FieldWriter()
        head.string(tensor.name)
        head.u8(tensor.type.rawValue)
        head.u8(UInt8(tensor.dims.count))
        for dim in tensor.dims { head.u64(UInt64(dim)) }
        hasher.update(head.bytes)
        let range = tensor.byteOffset..<(tensor.byteOffset + tensor.byteCount)
        hasher.update(tensor.buffer.bytes.extracting(range))
    }
    return hasher.finalize()
}

extension NamedTensors {
    /// The digest of its tensors in order.
    public var digest: Digest { Messages.digest(of: wireTensors) }
}

extension SliceResult {
    /// The digest of its tensors in the order in which they travel.
    public var digest: Digest { Messages.digest(of: wireTensors) }
}
