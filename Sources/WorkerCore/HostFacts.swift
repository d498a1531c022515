import Foundation

/// What a hello says of host and process, for people.
enum HostFacts {
    static var host: String { ProcessInfo.processInfo.hostName }
    static var processID: UInt32 { UInt32(ProcessInfo.processInfo.processIdentifier) }
    /// The program's release.
    static let programVersion = "0.1.0"
}
