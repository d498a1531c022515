import Identity
import Messages
import Methods
import Tensors

/// The worker's `HeldVersions`, for all slots.
actor VersionCache {
    private var held = HeldVersions<VersionTensors, Promise<VersionTensors>>()

    /// The version of that name, by `fetch` if it is not here and nobody is fetching it.
    ///
    /// - Throws: what `fetch` throws, to all who wait for it.
    func version(
        _ name: FetchVersion,
        fetch: @Sendable (FetchVersion) async throws -> VersionTensors
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
            let tensors = try await fetch(name)
            for promise in held.settle(name.digest, tensors) { promise.fulfil(.success(tensors)) }
            return tensors
        } catch {
            for promise in held.settle(name.digest, nil) { promise.fulfil(.failure(error)) }
            throw error
        }
    }
}
