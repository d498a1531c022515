import Buffers
import Identity
import Methods
import Networks
import Storage
import Tensors

/// The digest that names a version, computed once more from what the ledger's documentation says:
/// SHA-256 over the line `version P Q` with the counts of parameters and buffers, and then over
/// the SHA-256 of every block of 2^18 floats of the parameters, then of the buffers; then, of a
/// method that has averages, over the digest of these: SHA-256 over the line `averages P` and that
/// of every block.
func nameOfVersion(_ version: VersionTensors) -> Digest {
    let (parameters, buffers) = (version.parameters, version.buffers)
    var hasher = SHA256Hasher()
    hasher.update("version \(parameters.count) \(buffers.count)\n")
    update(&hasher, by: [parameters, buffers])
    if let averages = version.averages {
        var part = SHA256Hasher()
        part.update("averages \(averages.count)\n")
        update(&part, by: [averages])
        hasher.update(part.finalize().bytes)
    }
    return hasher.finalize()
}

@inline(never)
private func update(_ hasher: inout SHA256Hasher, by tensors: [Tensor]) {
    for tensor in tensors {
        let bytes = tensor.buffer.bytes
        for first in stride(from: 0, to: tensor.count, by: 1 << 18) {
            let count = min(1 << 18, tensor.count - first)
            let start = tensor.byteOffset + 4 * first
            var block = SHA256Hasher()
            block.update(bytes.extracting(start..<(start + 4 * count)))
            hasher.update(block.finalize().bytes)
        }
    }
}

/// The name of the version in a checkpoint's model file.
///
/// - Throws: `StorageError` if it lacks a tensor of the run's network.
func nameOfVersion(_ model: SafetensorsFile, _ plan: RunPlan) throws(StorageError) -> Digest {
    let layout = plan.method.layout
    return nameOfVersion(
        VersionTensors(
            parameters: try flat(model, layout.parameters),
            buffers: try flat(model, layout.bufferLayout),
            averages: plan.method.averages == nil
                ? nil : try flat(model, layout.parameters, prefix: "averages.")))
}

private func flat(
    _ file: SafetensorsFile, _ layout: FlatLayout, prefix: String = ""
) throws(StorageError) -> Tensor {
    var parts: [Tensor?] = []
    for entry in layout.entries {
        let tensor = try file.tensor(prefix + entry.name)
        guard tensor.shape == entry.shape else {
            throw .malformed(
                path: file.path,
                reason: "'\(prefix + entry.name)' is \(tensor.shape), not \(entry.shape)")
        }
        parts.append(tensor)
    }
    return layout.gathered(parts)
}
