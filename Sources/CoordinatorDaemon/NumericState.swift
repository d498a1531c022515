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
    /// Committed steps of the checkpoint from which the tables' changes are counted, of which a
    /// checkpoint of this state holds no more than them; nil where it is whole by itself.
    var base: Int?

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

    /// Each under its name, as manifests have them.
    var named: [NamedDigest] {
        [
            NamedDigest("parameters", parameters), NamedDigest("optimizer", optimizer),
            NamedDigest("tables", tables), NamedDigest("all", all),
        ]
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

/// SHA-256 over arrays, see `ArraysDigest`.
///
/// - Precondition: none of them is a source.
func digest(of arrays: [StateArray]) -> Digest { ArraysDigest(arrays).finish() }
