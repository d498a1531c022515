import Buffers
import Identity
import Methods
import Networks
import Storage
import Tensors

/// The digest that names a version, computed once more from what the ledger's documentation says:
/// SHA-256 over the line `version P Q` with the counts of parameters and buffers, and then over
/// the SHA-256 of every block of 2^18 floats of the parameters, then of the buffers.
@inline(never)
func nameOfVersion(parameters: Tensor, buffers: Tensor) -> Digest {
    var hasher = SHA256Hasher()
    hasher.update("version \(parameters.count) \(buffers.count)\n")
    for tensor in [parameters, buffers] {
        let bytes = tensor.buffer.bytes
        for first in stride(from: 0, to: tensor.count, by: 1 << 18) {
            let count = min(1 << 18, tensor.count - first)
            let start = tensor.byteOffset + 4 * first
            var block = SHA256Hasher()
            block.update(bytes.extracting(start..<(start + 4 * count)))
            hasher.update(block.finalize().bytes)
        }
    }
    return hasher.finalize()
}

/// The name of the version in a checkpoint's model file.
///
/// - Throws: `StorageError` if it lacks a tensor of the run's network.
func nameOfVersion(_ model: SafetensorsFile, _ plan: RunPlan) throws(StorageError) -> Digest {
    let layout = plan.method.layout
    return nameOfVersion(
        parameters: try flat(model, layout.parameters),
        buffers: try flat(model, layout.bufferLayout))
}

private func flat(
    _ file: SafetensorsFile, _ layout: FlatLayout
) throws(StorageError) -> Tensor {
    var parts: [Tensor?] = []
    for entry in layout.entries {
        let tensor = try file.tensor(entry.name)
        guard tensor.shape == entry.shape else {
            throw .malformed(
                path: file.path, reason: "'\(entry.name)' is \(tensor.shape), not \(entry.shape)")
        }
        parts.append(tensor)
    }
    return layout.gathered(parts)
}
