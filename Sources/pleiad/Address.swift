import Foundation
import Transport

/// Where coordinators are found.
enum Address {
    /// The default of every command.
    static let standard = "tcp://127.0.0.1:4700"

    /// The address given, else the one in the variable `PLEIAD_COORDINATOR`, else the standard.
    static func coordinator(_ given: String?) -> String {
        given ?? ProcessInfo.processInfo.environment["PLEIAD_COORDINATOR"] ?? standard
    }
}
