/// Checks that an address can be one, without a look at the network.
///
/// - Throws: `TransportError.invalidURL` or `.unsupported`.
public func checkAddress(_ url: String) throws(TransportError) { _ = try Endpoint(url) }

/// A transport address taken apart, so that a wrong one is refused before any system call.
struct Endpoint: Equatable {
    /// What carries the bytes.
    enum Scheme: Equatable {
        case tcp, tls, ipc
    }

    let url: String
    let scheme: Scheme
    /// `HOST:PORT` or the path of a socket file.
    let place: String

    init(_ url: String) throws(TransportError) {
        self.url = url
        let parts = url.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw .invalidURL(url: url, problem: "it has no scheme")
        }
        let place = String(parts[1])
        self.place = place
        switch parts[0] {
        case "tcp":
            scheme = .tcp
            try Self.checkPort(place, url)
        case "tls+tcp":
            scheme = .tls
            try Self.checkPort(place, url)
        case "ipc":
            scheme = .ipc
            guard place.hasPrefix("/") else {
                throw .invalidURL(url: url, problem: "the path of a socket file is absolute")
            }
            guard place.utf8.count <= Self.socketPathByteCountMax else {
                throw .invalidURL(
                    url: url,
                    problem: "the path is longer than \(Self.socketPathByteCountMax) bytes")
            }
        default:
            throw .invalidURL(url: url, problem: "its scheme is unknown")
        }
    }

    /// The length of `sun_path` less its end mark and nng's own margin.
    private static let socketPathByteCountMax = 100

    private static func checkPort(_ place: String, _ url: String) throws(TransportError) {
        guard let colon = place.lastIndex(of: ":"), colon != place.startIndex else {
            throw .invalidURL(url: url, problem: "it has no host and port")
        }
        guard UInt16(place[place.index(after: colon)...]) != nil else {
            throw .invalidURL(url: url, problem: "the port is not a number up to 65535")
        }
    }

    /// The same address with another port.
    func withPort(_ port: Int) -> String {
        guard scheme != .ipc, let colon = url.lastIndex(of: ":") else { return url }
        return "\(url[..<colon]):\(port)"
    }
}
