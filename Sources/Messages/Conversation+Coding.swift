public import Identity
public import Wire

/// What a coordinator sends: a reply with the tensors beside it, or a push.
public enum CoordinatorMessage: Sendable {
    /// The reply to the request of that id.
    case reply(RequestID, Reply, tensors: [WireTensor])
    /// A push.
    case push(Push)
    /// A push of a later minor, that need not be understood.
    case unknownPush

    /// Reads what a coordinator sent.
    ///
    /// - Throws: a refusal `unknownKind`, `unknownFlag` or `malformedBody`: the connection cannot
    ///   be used any further.
    public init(_ message: WireMessage) throws(Refusal) {
        guard message.requestID == 0 else {
            self = .reply(
                RequestID(rawValue: message.requestID), try Reply(message),
                tensors: message.body.tensors)
            return
        }
        let isKnown = MessageKind(rawValue: message.kind) != nil
        let mustBeUnderstood = message.flags & FrameHeader.mustUnderstand != 0
        self = isKnown || mustBeUnderstood ? .push(try Push(message)) : .unknownPush
    }
}

extension Greet {
    /// The greeting of this program, with a fresh nonce.
    public static func anew() -> Greet {
        Greet(
            minorLowest: 0, minorHighest: FrameHeader.currentMinor,
            nonce: secureRandomBytes(MessageLimits.nonceBytes))
    }
}

extension Greeting {
    /// The coordinator's answer to a greeting, with a fresh nonce: the highest common minor, or
    /// nil if there is none.
    public static func answering(_ greet: Greet, epoch: UInt32) -> Greeting? {
        let minor = min(greet.minorHighest, FrameHeader.currentMinor)
        guard minor >= greet.minorLowest else { return nil }
        return Greeting(
            minor: minor, epoch: epoch, nonce: secureRandomBytes(MessageLimits.nonceBytes))
    }
}

extension Welcome {
    /// Whether it was sent by a coordinator that knows the secret of `token`.
    public func isProved(by token: Token, nonces: Nonces) -> Bool {
        facts.holds(code, secret: token.secret, nonces: nonces)
    }
}

extension Hello {
    /// The hello of somebody who looks, or acts.
    public static func client(
        _ role: PeerRole = .viewer, name: String, processID: UInt32, bodyBytesMax: Int
    ) -> Hello {
        Hello(
            role: role, name: name, host: "", processID: processID, programVersion: "",
            features: 0, bodyBytesMax: UInt64(bodyBytesMax), slots: 0, fingerprint: .zero,
            configDigest: .zero, dataDigest: .zero)
    }
}
