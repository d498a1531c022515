import Foundation
import Synchronization
import Transport

/// Where each lane is, so that a wait that does not end is named rather than waited for.
final class Whereabouts: Sendable {
    private struct State {
        var places: [Int: String] = [:]
        var since = ContinuousClock.now
    }

    /// No conversation takes a tenth of this.
    private static let patience = Duration.seconds(120)
    private let state = Mutex(State())

    func note(_ lane: Int, _ place: String) {
        state.withLock { state in
            state.places[lane] = place
            state.since = .now
        }
    }

    /// Ends the process once no lane has gone on for too long.
    func watch() async throws {
        while true {
            try await Task.sleep(for: .seconds(1))
            let stuck = state.withLock { state in
                ContinuousClock.now - state.since > Self.patience ? state.places : nil
            }
            guard let stuck else { continue }
            for (lane, place) in stuck.sorted(by: { $0.key < $1.key }) {
                let line = "lane \(lane) stands at \(place)\n"
                FileHandle.standardOutput.write(Data(line.utf8))
            }
            exit(EXIT_FAILURE)
        }
    }
}

/// The connections that are answered at the moment.
final class Served: Sendable {
    private struct State {
        var connections: [Int: (connection: any Connection, since: ContinuousClock.Instant)] = [:]
        var made = 0
    }

    /// A connection that lasts longer is one whose end the listener was not told of: a coordinator
    /// gives silent peers up as well.
    private static let lifeMax = Duration.seconds(20)
    private let state = Mutex(State())

    var count: Int { state.withLock { $0.connections.count } }

    /// Answers a connection until `body` ends.
    func serve(_ connection: any Connection, _ body: () async -> Void) async {
        let number = state.withLock { state in
            state.made += 1
            state.connections[state.made] = (connection, .now)
            return state.made
        }
        await body()
        state.withLock { $0.connections[number] = nil }
        connection.close()
    }

    /// Closes what lasts too long, until it is cancelled.
    ///
    /// A sleep for each connection would not do: one that is cancelled keeps its memory until its
    /// time.
    func watch() async {
        while !Task.isCancelled {
            let now = ContinuousClock.now
            let old = state.withLock { state in
                state.connections.values.filter { now - $0.since > Self.lifeMax }
            }
            for (connection, _) in old { connection.close() }
            try? await Task.sleep(for: .seconds(1))  // ends when it is cancelled
        }
    }
}
