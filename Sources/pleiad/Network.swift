import Client
import Keys
import Logging
import Transport

/// The network of a command: the real one, with these keys under `tls+tcp://`.
func network(for url: String?, keys: PeerKeys? = nil) -> any Network {
    NNGNetwork(identity: keys?.identity)
}

/// For libraries whose own chatter nobody needs.
let quietLogger = Logger(label: "pleiad.services") { _ in SwiftLogNoOpLogHandler() }
