import Identity
import Messages
import Methods
import Tensors

/// The worker's `HeldVersions`, for all slots.
actor VersionCache {
    private var held = HeldVersions<VersionTensors, Promise<VersionTensors>>()
    /// The newest version that was fetched, one of those held: the next one's averages follow from
    /// its own.
    private var newest: (step: StepNumber, tensors: VersionTensors)?

    /// The version of that name, by `fetch` if it is not here and nobody is fetching it.
    ///
    /// - Parameter fetch: gets the version of the step before, too, if that is here.
    /// - Throws: what `fetch` throws, to all who wait for it.
    func version(
        _ name: FetchVersion,
        fetch: @Sendable (FetchVersion, _ before: VersionTensors?) async throws -> VersionTensors
    ) async throws -> VersionTensors {
        switch held.ask(name.digest) {
        case .held(let tensors): return tensors
        case .wait:
            let promise = Promise<VersionTensors>()
            held.wait(promise, for: name.digest)
            return try await promise.value()
        case .fetch: break
        }
        do {
            let before = newest.flatMap { $0.step.next == name.step ? $0.tensors : nil }
            let tensors = try await fetch(name, before)
            if newest.map({ $0.step < name.step }) ?? true { newest = (name.step, tensors) }
            for promise in held.settle(name.digest, tensors) { promise.fulfil(.success(tensors)) }
            return tensors
        } catch {
            for promise in held.settle(name.digest, nil) { promise.fulfil(.failure(error)) }
            throw error
        }
    }
}
