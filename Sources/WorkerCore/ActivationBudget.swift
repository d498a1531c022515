import Methods
import Synchronization

/// How many bytes the activations of parked slices take on a worker, against what they may.
///
/// A slice is asked before its forward whether it may keep its activations while it is parked; if
/// not, forward runs again when the answer comes, with the same bits.
final class ActivationBudget: Sendable {
    private let bytesMax: Int
    private let method: any WorkerMethod
    private let reserved = Mutex(0)

    /// A budget of so many bytes for slices of `method`.
    init(bytesMax: Int, method: any WorkerMethod) {
        self.bytesMax = bytesMax
        self.method = method
    }

    /// Whether a slice of so many samples may keep its activations, as things stand.
    func mayKeep(sampleCount: Int) -> Bool {
        let bytes = method.activationBytes(sampleCount: sampleCount)
        return reserved.withLock { $0 + bytes <= bytesMax }
    }

    /// A slice is parked.
    func park(_ work: SliceWork) { change(work, by: 1) }

    /// A slice is parked no more.
    func unpark(_ work: SliceWork) { change(work, by: -1) }

    private func change(_ work: SliceWork, by sign: Int) {
        guard work.keepsActivations else { return }
        let bytes = method.activationBytes(sampleCount: work.samples.count)
        reserved.withLock { $0 += sign * bytes }
    }
}
