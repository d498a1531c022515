public import Buffers
internal import Kernels
public import Tensors
internal import Threads

/// The weights of a network's linear layers, packed as their products read them: made once from
/// a version, and used by every slice that is computed with it.
public struct PackedParameters: Sendable {
    private let weights: [PackedWeight?]

    /// Packs every weight that is a matrix.
    ///
    /// - Parameters:
    ///   - layout: of the network.
    ///   - parameters: flat, `[layout.flatCount]`.
    ///   - pool: where the memory comes from; `nil` means the system.
    ///   - threads: threads at work.
    public init(
        _ layout: ParameterLayout, parameters: Tensor, pool: BufferPool? = nil, threads: Int = 1
    ) {
        weights = mapBlocks(count: layout.entries.count, threads: threads) { index in
            let entry = layout.entries[index]
            guard entry.role == .weight, entry.shape.rank == 2 else { return nil }
            return PackedWeight(layout.view(of: parameters, index), pool: pool)
        }
    }

    /// Parameter number `index` packed, if it is such a weight.
    subscript(index: Int) -> PackedWeight? { weights[index] }
}
