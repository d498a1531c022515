import Foundation
import Transport

/// Where coordinators are found.
enum Address {
    /// The default of every command.
    static let standard = "tcp://127.0.0.1:4700"

    /// The address given, else the one in the variable `PLEIAD_COORDINATOR`, else the standard.
    ///
    /// - Throws: `TransportError` if it is none.
    static func coordinator(_ given: String?) throws -> String {
        let url = given ?? ProcessInfo.processInfo.environment["PLEIAD_COORDINATOR"] ?? standard
        try checkAddress(url)
        return url
    }
}
