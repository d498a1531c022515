import ArgumentParser
import Foundation
import Keys

/// The keys of a command, for TLS and for its token.
struct KeysOptions: ParsableArguments {
    @Option(
        help: """
            The directory of this side's keys, from 'pleiad keys issue'. Default: PLEIAD_KEYS; \
            without, there is neither TLS nor token.
            """)
    var keys: String?

    /// The directory given, else the one in the variable `PLEIAD_KEYS`; nil for none.
    var directory: String? {
        let given = keys ?? ProcessInfo.processInfo.environment["PLEIAD_KEYS"]
        return given?.isEmpty == false ? given : nil
    }

    /// The keys, read and checked; nil if there is no directory.
    func load() throws -> PeerKeys? {
        try directory.map {
            try PeerKeys(directory: $0, now: Int(Date.now.timeIntervalSince1970))
        }
    }

    /// The same for a coordinator.
    func loadCoordinators() throws -> PeerKeys? {
        guard let keys = try load() else { return nil }
        guard keys.authority != nil else {
            throw BadInput(
                description: "\(keys.directory) is no coordinator's: make one with 'pleiad keys "
                    + "issue DIR NAME --role coordinator'")
        }
        return keys
    }
}
