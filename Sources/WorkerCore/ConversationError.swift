package import Messages

/// Why a request got no reply.
package enum ConversationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The coordinator said no.
    case refused(Refusal)
    /// A connection is gone; everything that waited ends with this.
    case lost(String)
    /// The same, because one side's certificate does not satisfy the other.
    case distrusted(String)
    /// The reply is of a kind that does not answer the request.
    case unexpected(String)
    /// The request is larger than the connection allows.
    case unsendable(String)

    /// A sentence for people.
    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .lost(let reason), .distrusted(let reason): reason
        case .unexpected(let what): "The coordinator answered \(what)."
        case .unsendable(let problem): problem
        }
    }
}
