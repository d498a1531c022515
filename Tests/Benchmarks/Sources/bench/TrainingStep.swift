internal import Buffers
internal import Networks
internal import Optimizers
internal import Synchronization
internal import Tensors

/// Seconds of one step, and what they went into.
struct StepSeconds {
    /// From beginning to end.
    var total = 0.0
    /// Packing of the weights.
    var pack = 0.0
    /// Forward passes, over all slots, divided by their number; so are the next two.
    var forward = 0.0
    /// Backward passes.
    var backward = 0.0
    /// The sum over slices.
    var sum = 0.0
    /// Update of the parameters, and of batch-norm buffers.
    var optimizer = 0.0
}

/// Training steps of an encoder on one batch, loss the mean of the squared features, computed as
/// a worker with some slots and a coordinator do it: slices on the slots' threads, their sum up
/// the gradient tree, one update.
final class TrainingStep {
    /// What a step is made of.
    struct Settings {
        /// The batch, `[B, C, H, W]`.
        var images: Tensor
        /// Images of a slice; divides the batch.
        var slice: Int
        /// Slots that there may be at most.
        var slots: Int
        /// How parameters move.
        var rule: UpdateRule
        /// The learning rate.
        var rate: Double
    }

    /// The parameters of the last step.
    private(set) var parameters: Tensor
    /// The batch-norm buffers of the last step.
    private(set) var buffers: Tensor
    /// The loss of the last step.
    private(set) var loss = 0.0
    /// The norm of the last step's gradient.
    private(set) var gradientNorm = 0.0

    private let network: MeasuredNetwork
    private let settings: Settings
    private let slices: [Tensor]
    private let crew: SlotCrew
    private let pools: [BufferPool]
    private let packing = BufferPool()
    private let sum: TreeSum
    private var optimizer: ParameterOptimizer

    /// Steps from the network's first parameters.
    init(_ network: MeasuredNetwork, _ settings: Settings) {
        self.network = network
        self.settings = settings
        let batch = settings.images.shape[0]
        precondition(batch % settings.slice == 0, "slices of \(settings.slice) of \(batch)")
        slices = stride(from: 0, to: batch, by: settings.slice).map {
            settings.images.rows($0..<($0 + settings.slice))
        }
        parameters = network.firstParameters()
        buffers = network.firstBuffers()
        crew = SlotCrew(count: settings.slots)
        pools = (0..<settings.slots).map { _ in BufferPool() }
        sum = TreeSum(GradientTree(sliceCount: slices.count))
        optimizer = ParameterOptimizer(settings.rule, parameterCount: network.layout.flatCount)
    }

    deinit { crew.dismiss() }

    /// One step on so many slots; the same bits for any number of them.
    func run(slots: Int) -> StepSeconds {
        let begin = monotonicSeconds()
        var seconds = computeSlices(slots: slots)
        guard let total = sum.takeTotal() else {
            preconditionFailure("a step ended without all of its slices")
        }
        let end = monotonicSeconds()
        update(by: total, threads: slots)
        let now = monotonicSeconds()
        seconds.optimizer = now - end
        seconds.total = now - begin
        return seconds
    }

    /// All slices, each taken by the next slot that is free.
    private func computeSlices(slots: Int) -> StepSeconds {
        let (network, slices, pools, sum) = (network, slices, pools, sum)
        let begin = monotonicSeconds()
        let version = network.version(
            parameters: parameters, buffers: buffers, pool: packing, threads: slots)
        let packSeconds = monotonicSeconds() - begin
        let stepFeatures = settings.images.shape[0] * network.encoder.featureWidth
        let order = SliceOrder(count: slices.count, slots: slots)
        let seconds = Mutex(StepSeconds())
        crew.run(slots: slots) { slot in
            var passes = PassSeconds()
            var sumSeconds = 0.0
            while let slice = order.next(for: slot) {
                let part = runSlice(
                    network, version, images: slices[slice], stepFeatures: stepFeatures,
                    pool: pools[slot], seconds: &passes)
                let begin = monotonicSeconds()
                sum.deliver(slice, part)
                sumSeconds += monotonicSeconds() - begin
            }
            seconds.withLock {
                $0.forward += passes.forward / Double(slots)
                $0.backward += passes.backward / Double(slots)
                $0.sum += sumSeconds / Double(slots)
            }
        }
        return seconds.withLock {
            $0.pack = packSeconds
            return $0
        }
    }

    /// The one update of a step, as the coordinator makes it.
    private func update(by total: SliceSum, threads: Int) {
        loss = total.loss
        gradientNorm = optimizer.step(
            &parameters, gradient: total.gradient, rate: settings.rate, threads: threads)
        guard buffers.count > 0 else { return }
        buffers = movedBuffers(
            buffers, meanOfSlices: total.statistics.scaled(by: 1 / Float(slices.count)))
    }
}

/// Which slice a slot takes next: of its own run of neighbours first, so that most sums are of two
/// results of one slot, then from the end of another's.
private final class SliceOrder: Sendable {
    private let runs: Mutex<[Range<Int>]>

    init(count: Int, slots: Int) {
        runs = Mutex((0..<slots).map { (count * $0 / slots)..<(count * ($0 + 1) / slots) })
    }

    func next(for slot: Int) -> Int? {
        runs.withLock { runs in
            if let first = runs[slot].popFirst() { return first }
            guard let fullest = runs.indices.max(by: { runs[$0].count < runs[$1].count }) else {
                return nil
            }
            return runs[fullest].popLast()
        }
    }
}
