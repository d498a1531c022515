import Datasets
import Identity
import Messages
import Methods
import Optimizers
import RunFiles
import Tensors

/// What slices of a run are computed with: made once when the worker knows the run.
struct SliceTools: Sendable {
    /// Names a slice's views; they are the same in every life.
    struct ViewsKey: Hashable, Sendable {
        var step: StepNumber
        var slice: SliceNumber
    }

    let method: any WorkerMethod
    let seed: UInt64
    let gradientPrecision: GradientPrecision
    let nodes: NodeBook
    let versions: VersionCache
    let activations: ActivationBudget
    let prefetcher: Prefetcher<ViewsKey, Result<[Tensor], any Error>>
    let sabotage: Sabotage

    /// A version in bulk may take long; a coordinator that sends none for so long is stuck.
    static let fetchMax = CoordinatorSettings.transferMax

    /// Tools for a run.
    init(
        method: any WorkerMethod, slices: Int, seed: UInt64, slots: Int,
        activationBudgetBytes: Int, gradientPrecision: GradientPrecision, isSumming: Bool,
        worker: String
    ) {
        sabotage = Sabotage(worker: worker)
        self.gradientPrecision = gradientPrecision
        self.method = method
        self.seed = seed
        nodes = NodeBook(slices: slices, isSumming: isSumming)
        versions = VersionCache()
        activations = ActivationBudget(bytesMax: activationBudgetBytes, method: method)
        // Two a slot: the slice that comes next and the one after it.
        prefetcher = Prefetcher(capacity: 2 * slots, name: "pleiad views")
    }

    /// The task as the method sees it.
    func work(for task: SliceTask) -> SliceWork {
        SliceWork(
            step: task.step.index, slice: task.slice.index, dataEpoch: task.dataEpoch,
            stepSamples: Int(task.stepSamples), samples: task.samples.map(Int.init),
            keepsActivations: activations.mayKeep(sampleCount: task.samples.count))
    }

    /// What of a slice's result is its leaf: the gradient rounded as the run file says.
    @inline(never)
    func leafResult(_ result: SliceResult) -> SliceResult {
        sabotage.result(result).rounded(to: gradientPrecision)
    }

    /// The views of a slice: loaded ahead if it was hinted, otherwise here and now.
    func views(of work: SliceWork) throws -> [Tensor] {
        let key = ViewsKey(step: StepNumber(work.step), slice: SliceNumber(work.slice))
        return try prefetcher.take(key, orMake: { Result { try method.views(of: work) } }).get()
    }

    /// Loads the views of likely slices ahead.
    func prefetch(_ hints: [SliceTask]) {
        for hint in hints {
            let work = work(for: hint)
            prefetcher.prefetch(ViewsKey(step: hint.step, slice: hint.slice)) { [method] in
                Result { try method.views(of: work) }
            }
        }
    }

    /// The version of a lease, from the cache or from the coordinator.
    func version(
        of lease: Lease, _ conversation: Conversation, _ ticket: SliceTicket
    ) async throws -> VersionTensors {
        let name = FetchVersion(step: lease.task.step, digest: lease.version)
        return try await versions.version(name) { name, before in
            let tensors = try await Self.fetched(name, conversation)
            guard let parameters = tensors["parameters"], let buffers = tensors["buffers"] else {
                throw ConversationError.unexpected("fetchVersion without parameters")
            }
            var version = VersionTensors(parameters: parameters, buffers: buffers)
            if lease.averages != .zero {
                version.averages = try await averages(of: lease, parameters, before, conversation)
            }
            return version
        }
    }

    /// The averages of a lease's version: derived from those of the step before, if that gives what
    /// the lease names, and fetched otherwise.
    private func averages(
        of lease: Lease, _ parameters: Tensor, _ before: VersionTensors?,
        _ conversation: Conversation
    ) async throws -> Tensor {
        if let derived = derivedAverages(parameters, before, digest: lease.averages) {
            return derived
        }
        let name = FetchVersion(step: lease.task.step, digest: lease.averages)
        let tensors = try await Self.fetched(name, conversation)
        guard let averages = tensors["averages"], averages.shape == parameters.shape,
            VersionTensors.digest(ofAverages: averages, threads: 1) == lease.averages
        else {
            throw ConversationError.unexpected("fetchVersion with other averages")
        }
        return averages
    }

    /// Nil unless the averages that follow are those of this digest: the coordinator passed over a
    /// step, say.
    private func derivedAverages(
        _ parameters: Tensor, _ before: VersionTensors?, digest: Digest
    ) -> Tensor? {
        guard let rule = method.averages, let last = before?.averages,
            last.shape == parameters.shape
        else { return nil }
        let derived = rule.following(last, parameters)
        return VersionTensors.digest(ofAverages: derived, threads: 1) == digest ? derived : nil
    }

    private static func fetched(
        _ name: FetchVersion, _ conversation: Conversation
    ) async throws -> NamedTensors {
        let answer = try await conversation.ask(
            .fetchVersion(name), over: .bulk, within: fetchMax)
        guard answer.reply == .version(name) else {
            throw ConversationError.unexpected("fetchVersion with \(answer.reply.kind.name)")
        }
        return try NamedTensors(wire: answer.tensors)
    }
}
