import Buffers
public import Identity
import Methods
import Storage
import Tensors

/// The whole numeric state of a run after some committed steps: what checkpoints hold and
/// `pleiad digest` is of.
struct NumericState: Sendable {
    /// Committed steps.
    var committed: Int
    /// Parameters and buffers by their names.
    var parameters: [StateArray]
    /// The optimizer's moments and counters.
    var optimizer: [StateArray]
    /// The method's tables, queues and scalars.
    var tables: [StateArray]
    /// How long the logs were then: no part of the digests.
    var logs: [LogLength] = []

    /// The digests of all parts.
    var digests: RunDigests {
        RunDigests(
            step: committed, parameters: digest(of: parameters),
            optimizer: digest(of: optimizer), tables: digest(of: tables))
    }
}

/// Digests of a run's state: equal if and only if the state is equal to the last bit.
public struct RunDigests: Hashable, Sendable {
    /// Committed steps.
    public var step: Int
    /// Of parameters, buffers and teachers.
    public var parameters: Digest
    /// Of the optimizer's state.
    public var optimizer: Digest
    /// Of all tables: rows, queues, pointers, scalars.
    public var tables: Digest

    /// Of all three and the step.
    public var all: Digest {
        var hasher = SHA256Hasher()
        hasher.update("step \(step)\n")
        for part in [parameters, optimizer, tables] { hasher.update(part.bytes) }
        return hasher.finalize()
    }

    /// The lines of `pleiad digest`.
    public var text: String {
        """
        step \(step)
        parameters \(parameters.hex)
        optimizer \(optimizer.hex)
        tables \(tables.hex)
        all \(all.hex)
        """
    }
}

/// SHA-256 over arrays in the order of their names: name, type, shape and little-endian bits.
///
/// The order is by name because files keep their arrays in an order of their own.
func digest(of arrays: [StateArray]) -> Digest {
    var hasher = SHA256Hasher()
    let sorted = arrays.sorted {
        Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8))
    }
    for array in sorted {
        switch array.values {
        case .floats(let tensor):
            hasher.update("\(array.name) f32 \(tensor.shape.dims)\n")
            let bytes = tensor.buffer.bytes
            hasher.update(
                bytes.extracting(tensor.byteOffset..<(tensor.byteOffset + 4 * tensor.count)))
        case .integers(let values):
            hasher.update("\(array.name) i64 [\(values.count)]\n")
            for value in values {
                hasher.update((0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
            }
        }
    }
    return hasher.finalize()
}
