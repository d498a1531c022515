import Foundation
import Messages

/// What a hello says of host and process.
enum HostFacts {
    static var host: String { ProcessInfo.processInfo.hostName }
    static var processID: UInt32 { UInt32(ProcessInfo.processInfo.processIdentifier) }
    /// The largest message that the worker takes: what the host's memory holds.
    static var bodyBytesMax: UInt64 {
        min(ProcessInfo.processInfo.physicalMemory, MessageLimits.statedBytes)
    }
}
