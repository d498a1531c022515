internal import Dispatch
internal import Foundation

/// Ctrl-C and SIGTERM end the peers, too.
final class Interruption {
    private let sources: [any DispatchSourceSignal]

    /// Watches as long as it lives.
    init() {
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                Peer.endAll()
                exit(128 + number)
            }
            source.resume()
            return source
        }
    }
}
