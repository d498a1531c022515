import Identity
import Messages

/// Who answered a hello does not know the secret of our token.
struct Distrust: Error, CustomStringConvertible {
    var url: String

    var description: String {
        "the coordinator at \(url) does not prove itself with this worker's token: start it with "
            + "the keys of the same authority, or check the address"
    }
}

/// Keys that are not a worker's of this name.
struct WrongCredential: Error, CustomStringConvertible {
    var name: String
    var credential: Credential

    var description: String {
        guard case .token(let token) = credential, token.role == .worker else {
            return "a worker named \(name) cannot join with these keys: they are no worker's"
        }
        return "a worker with the keys of \(token.name) is named \(token.name) or "
            + "\(token.name).SOMETHING, not \(name)"
    }
}

extension Worker {
    /// The token for this worker's name; nil if it works without one.
    func token() throws -> Token? {
        guard let credential = options.credential else { return nil }
        guard let token = credential.token(for: .worker, name: options.name) else {
            throw WrongCredential(name: options.name, credential: credential)
        }
        return token
    }
}
