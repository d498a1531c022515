/// Why keys could not be made or used.
public enum KeysError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A file or directory is there already.
    case exists(path: String)
    /// A file is not there.
    case missing(path: String, what: String)
    /// Others than its owner may read a secret.
    case readableByOthers(path: String)
    /// A file does not hold what it should.
    case malformed(path: String, problem: String)
    /// A certificate counts no more, or not yet.
    case outOfDate(path: String, from: String, until: String)
    /// A name cannot be used.
    case badName(String)
    /// The system or libcrypto says so.
    case failed(path: String, problem: String)

    /// What happened, where, and what to do.
    public var description: String {
        switch self {
        case .exists(let path):
            "\(path) exists and is not overwritten: name another place, or remove it yourself"
        case .missing(let path, let what):
            "\(path) is missing: \(what)"
        case .readableByOthers(let path):
            "\(path) is a secret that others can read: chmod 600 it, and make it anew if somebody "
                + "may have"
        case .malformed(let path, let problem):
            "\(path) cannot be used (\(problem)): make it anew with 'pleiad keys'"
        case .outOfDate(let path, let from, let until):
            "\(path) counts from \(from) until \(until): issue another with 'pleiad keys issue', "
                + "or set the clock"
        case .badName(let name):
            "'\(name)' cannot be the name of a token: 1 to 48 letters, digits, dashes and "
                + "underscores"
        case .failed(let path, let problem):
            "\(path): \(problem)"
        }
    }
}
