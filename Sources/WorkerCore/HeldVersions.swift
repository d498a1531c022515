package import Identity

/// The versions that a worker holds: at most two, each fetched once for all slots.
///
/// They are named by digest, so they outlast a life: after a rejoin nothing is fetched twice.
package struct HeldVersions<Version, Waiter> {
    /// What is to be done for a version.
    package enum Answer {
        /// It is here.
        case held(Version)
        /// Somebody fetches it: wait.
        case wait
        /// Nobody does: fetch it, then settle.
        case fetch
    }

    /// The open step's and the one before it, which a late slice may still use.
    package static var countMax: Int { 2 }

    private var versions: [(digest: Digest, version: Version)] = []
    private var fetching: [Digest: [Waiter]] = [:]

    /// No versions.
    package init() {}

    /// Versions that are held.
    package var count: Int { versions.count }

    /// Asks for a version; the answer `fetch` is given to one asker until it is settled.
    package mutating func ask(_ digest: Digest) -> Answer {
        if let held = versions.first(where: { $0.digest == digest }) {
            return .held(held.version)
        }
        guard fetching[digest] == nil else { return .wait }
        fetching[digest] = []
        return .fetch
    }

    /// Waits for a version that somebody fetches.
    package mutating func wait(_ waiter: Waiter, for digest: Digest) {
        fetching[digest]?.append(waiter)
    }

    /// A version is fetched, or could not be: returns who waits for it, in order.
    package mutating func settle(_ digest: Digest, _ version: Version?) -> [Waiter] {
        if let version {
            versions.append((digest, version))
            if versions.count > Self.countMax { versions.removeFirst() }
        }
        return fetching.removeValue(forKey: digest) ?? []
    }
}

extension HeldVersions: Sendable where Version: Sendable, Waiter: Sendable {}
