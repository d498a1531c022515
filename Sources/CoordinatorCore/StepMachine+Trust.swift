import Identity
import Messages

// Who may take part and what each may do (design, section 3, *No stranger in*).
extension StepMachine {
    /// The coordinator's random value for a conversation.
    ///
    /// The ticket is random and fresh, so what is derived from it is a nonce that does not give it
    /// away.
    func nonce(for peer: Peer, _ id: ConnectionID) -> [UInt8] {
        let seed = "\(settings.epoch), \(id), \(peer.ticket)"
        if let authority = settings.authority { return authority.key.nonce(from: seed) }
        return Array(sha256("nonce of \(seed)").bytes.prefix(MessageLimits.nonceBytes))
    }

    /// Why a hello does not show that its sender holds a token of its role and name, or nil.
    func distrust(of hello: Hello, from peer: Peer) -> Refusal? {
        guard let authority = settings.authority else { return nil }
        guard hello.proof != .none else {
            return Refusal(.tokenNeeded, "\(hello.role.name) \(hello.name) brought no token")
        }
        guard let nonces = peer.nonces,
            hello.proof.holds(
                for: hello.role, name: hello.name, nonces: nonces, under: authority)
        else {
            return Refusal(
                .wrongToken, "the code of \(hello.role.name) \(hello.name) does not hold")
        }
        return nil
    }

    /// Writes the coordinator's own code into a welcome, if tokens are asked for.
    func prove(_ welcome: inout Welcome, to hello: Hello, from peer: Peer) {
        guard let authority = settings.authority, let nonces = peer.nonces else { return }
        let secret = authority.key.secret(
            of: hello.role, name: tokenName(of: hello.name), id: hello.proof.tokenID)
        welcome.code = welcome.facts.code(secret: secret, nonces: nonces)
    }

    /// Does what an operator wants; the same wish again changes nothing.
    mutating func take(_ steer: Steer, _ id: ConnectionID, _ request: RequestID) {
        effects.append(.reply(id, request, .accepted))
        let address = sessions.peers[id]?.address ?? ""
        switch steer.action {
        case .stop:
            guard stop == nil else { return }
            let why = steer.detail.isEmpty ? "an operator stopped it" : steer.detail
            note(.info, "an operator at \(address) asks for the end: \(why)")
            requestStop(why)
            // A coordinator that stays up after its run ends now.
            if isOver { effects.append(.over(RunOver(reason: .closing, detail: why))) }
        }
    }
}
