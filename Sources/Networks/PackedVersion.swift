internal import Buffers
internal import Synchronization
public import Tensors

/// The packed weights of the version that slices are computed with: packed by the slot that needs
/// them first, for all slots.
///
/// The slots of a worker compute one version at a time, so one is kept; a late slice of the version
/// before has it packed again.
public final class PackedVersion: Sendable {
    private struct Kept {
        /// Held so that no other parameters can take its memory, by which it is known.
        var parameters: Tensor
        var packed: PackedParameters
    }

    private let layout: ParameterLayout
    private let pool = BufferPool()
    private let kept = Mutex<Kept?>(nil)

    /// For versions of a network with this layout.
    public init(_ layout: ParameterLayout) { self.layout = layout }

    /// The weights in these parameters, packed.
    ///
    /// - Parameter parameters: flat, `[layout.flatCount]`; not written to any more.
    public func packed(_ parameters: Tensor) -> PackedParameters {
        // Whoever else comes meanwhile needs the same weights and waits for them.
        kept.withLock { kept in
            if let kept, kept.parameters.buffer === parameters.buffer,
                kept.parameters.byteOffset == parameters.byteOffset
            {
                return kept.packed
            }
            // Before the new ones are made, so that they get the memory of the old ones.
            kept = nil
            let packed = PackedParameters(layout, parameters: parameters, pool: pool)
            kept = Kept(parameters: parameters, packed: packed)
            return packed
        }
    }
}
