import Logging
import Transport

/// The network of a command: the real one.
func network(for url: String?) -> any Network { NNGNetwork() }

/// For libraries whose own chatter nobody needs.
let quietLogger = Logger(label: "pleiad.services") { _ in SwiftLogNoOpLogHandler() }
