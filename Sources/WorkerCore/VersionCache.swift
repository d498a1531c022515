import Identity
import Messages
import Methods
import Tensors

/// The versions that a worker holds: at most two, each fetched once for all slots.
///
/// They are named by digest, so they outlast a life: after a rejoin nothing is fetched twice.
actor VersionCache {
    /// The open step's and the one before it, which a late slice may still use.
    static let versionsMax = 2

    private var versions: [(digest: Digest, tensors: VersionTensors)] = []
    private var fetching: [Digest: [Promise<VersionTensors>]] = [:]

    /// The version of that name, by `fetch` if it is not here and nobody is fetching it.
    ///
    /// - Throws: what `fetch` throws, to all who wait for it.
    func version(
        _ name: FetchVersion,
        fetch: @Sendable (FetchVersion) async throws -> VersionTensors
    ) async throws -> VersionTensors {
        if let held = versions.first(where: { $0.digest == name.digest }) { return held.tensors }
        if fetching[name.digest] != nil {
            let promise = Promise<VersionTensors>()
            fetching[name.digest]?.append(promise)
            return try await promise.value()
        }
        fetching[name.digest] = []
        do {
            let tensors = try await fetch(name)
            versions.append((name.digest, tensors))
            if versions.count > Self.versionsMax { versions.removeFirst() }
            settle(name.digest, .success(tensors))
            return tensors
        } catch {
            settle(name.digest, .failure(error))
            throw error
        }
    }

    private func settle(_ digest: Digest, _ result: Result<VersionTensors, any Error>) {
        for promise in fetching.removeValue(forKey: digest) ?? [] { promise.fulfil(result) }
    }
}
