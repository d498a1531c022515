import Logging

/// A log that nobody reads.
let silentLogger = Logger(label: "tests") { _ in SwiftLogNoOpLogHandler() }
