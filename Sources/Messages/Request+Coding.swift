internal import Identity
public import Wire

extension Request {
    /// The kind under which it travels.
    public var kind: MessageKind {
        switch self {
        case .greet: .greet
        case .hello: .hello
        case .attach: .attach
        case .ready: .ready
        case .requestLease: .requestLease
        case .fetchVersion: .fetchVersion
        case .exchange: .exchange
        case .offerNode: .offerNode
        case .deliverNode: .deliverNode
        case .heartbeat: .heartbeat
        case .returnLease: .returnLease
        case .goodbye: .goodbye
        case .status: .status
        case .steer: .steer
        }
    }

    /// The request on the wire.
    ///
    /// - Parameters:
    ///   - id: names it; not 0, and never used again within the incarnation.
    ///   - incarnation: the sender's, or 0 before its welcome.
    ///   - tensors: what travels beside the fields; empty for kinds without.
    public func message(
        id: RequestID, incarnation: Incarnation, tensors: [WireTensor] = []
    ) -> WireMessage {
        precondition(id.rawValue != 0, "request id 0 marks a push")
        return encoded().message(
            kind: kind, id: id, incarnation: incarnation, tensors: tensors)
    }

    private func encoded() -> EncodedMessage {
        var out = EncodedMessage()
        switch self {
        case .greet(let greet):
            precondition(greet.nonce.count == MessageLimits.nonceBytes, "a nonce has 16 bytes")
            out.fields.u8(greet.minorLowest)
            out.fields.u8(greet.minorHighest)
            out.fields.raw(greet.nonce)
        case .hello(let hello): hello.write(&out.fields)
        case .attach(let attach): out.fields.u64(attach.ticket)
        case .ready(let ready):
            out.fields.digest(ready.configDigest)
            out.fields.digest(ready.dataDigest)
            out.fields.count(ready.shards.count)
            for shard in ready.shards { out.fields.u32(shard) }
        case .requestLease(let request): out.fields.u16(request.slot)
        case .fetchVersion(let version):
            out.envelope.step = version.step
            out.fields.digest(version.digest)
        case .exchange(let exchange):
            out.envelope = Envelope(step: exchange.step, slice: exchange.slice)
            out.fields.u16(exchange.round)
            out.fields.digest(exchange.digest)
        case .offerNode(let offer):
            out.envelope.step = offer.step
            out.fields.node(offer.node)
            out.fields.u64(offer.byteCount)
        case .deliverNode(let delivery):
            out.envelope.step = delivery.step
            delivery.write(&out.fields)
        case .heartbeat(let heartbeat): heartbeat.write(&out.fields)
        case .returnLease(let lease):
            out.envelope = Envelope(step: lease.step, slice: lease.slice)
            out.fields.u8(lease.reason.rawValue)
            out.fields.text(lease.detail, limit: MessageLimits.detailBytes)
        case .goodbye(let goodbye):
            out.fields.text(goodbye.detail, limit: MessageLimits.detailBytes)
        case .status: break
        case .steer(let steer):
            out.fields.u8(steer.action.rawValue)
            out.fields.text(steer.detail, limit: MessageLimits.detailBytes)
        }
        return out
    }

    /// Reads a request; its tensors stay in the message's body.
    ///
    /// - Throws: a refusal `unknownKind`, `unknownFlag` or `malformedBody`, to be sent back.
    public init(_ message: WireMessage) throws(Refusal) {
        let kind = try MessageKind(message, family: .request)
        guard message.requestID != 0 else {
            throw Refusal(.malformedBody, "\(kind.name): request id 0 marks a push")
        }
        self = try kind.decode(message) {
            (fields: inout FieldReader, envelope) throws(WireError) in
            try Request(kind, &fields, envelope)
        }
    }

    private init(
        _ kind: MessageKind, _ fields: inout FieldReader, _ envelope: Envelope
    ) throws(WireError) {
        switch kind {
        case .greet: self = .greet(try Greet(&fields))
        case .hello: self = .hello(try Hello(&fields))
        case .attach: self = .attach(Attach(ticket: try fields.u64("ticket")))
        case .ready: self = .ready(try Ready(&fields))
        case .requestLease: self = .requestLease(RequestLease(slot: try fields.u16("slot")))
        case .fetchVersion:
            self = .fetchVersion(
                FetchVersion(step: envelope.step, digest: try fields.digest("digest")))
        case .exchange:
            self = .exchange(
                Exchange(
                    step: envelope.step, slice: envelope.slice, round: try fields.u16("round"),
                    digest: try fields.digest("digest")))
        case .offerNode:
            self = .offerNode(
                OfferNode(
                    step: envelope.step, node: try fields.node(),
                    byteCount: try fields.u64("bytes", limit: MessageLimits.statedBytes)))
        case .deliverNode: self = .deliverNode(try DeliverNode(&fields, step: envelope.step))
        case .heartbeat: self = .heartbeat(try Heartbeat(&fields))
        case .returnLease:
            self = .returnLease(
                ReturnLease(
                    step: envelope.step, slice: envelope.slice,
                    reason: try fields.choice("reason", ReturnReason.self),
                    detail: try fields.string("detail", limit: MessageLimits.detailBytes)))
        case .goodbye:
            self = .goodbye(
                Goodbye(detail: try fields.string("detail", limit: MessageLimits.detailBytes)))
        case .status: self = .status
        case .steer:
            let action = try fields.choice("action", SteerAction.self)
            let detail = try fields.string("detail", limit: MessageLimits.detailBytes)
            self = .steer(Steer(action: action, detail: detail))
        default: preconditionFailure("\(kind) is no request")
        }
    }
}

extension Greet {
    init(_ fields: inout FieldReader) throws(WireError) {
        let lowest = try fields.u8("lowest minor")
        let highest = try fields.u8("highest minor")
        guard lowest <= highest else {
            throw .invalidValue(field: "highest minor", value: UInt64(highest))
        }
        self.init(
            minorLowest: lowest, minorHighest: highest,
            nonce: try fields.raw("nonce", count: MessageLimits.nonceBytes))
    }
}

extension Hello {
    func write(_ fields: inout FieldWriter) {
        precondition(isValidPeerName(name), "\(name) is no name of a peer")
        fields.u8(role.rawValue)
        fields.string(name)
        fields.text(host, limit: MessageLimits.labelBytes)
        fields.u32(processID)
        fields.text(programVersion, limit: MessageLimits.labelBytes)
        fields.u64(features)
        fields.u64(bodyBytesMax)
        fields.u16(slots)
        fields.digest(fingerprint)
        fields.digest(configDigest)
        fields.digest(dataDigest)
        fields.raw(proof.tokenID)
        fields.digest(proof.code)
    }

    init(_ fields: inout FieldReader) throws(WireError) {
        let role = try fields.choice("role", PeerRole.self)
        let name = try fields.name("name")
        let host = try fields.string("host", limit: MessageLimits.labelBytes)
        let processID = try fields.u32("process id")
        let version = try fields.string("program version", limit: MessageLimits.labelBytes)
        let features = try fields.u64("features")
        let bodyBytesMax = try fields.u64("body bytes", limit: MessageLimits.statedBytes)
        let slots = try fields.u16("slots")
        let allowed = role == .worker ? 1...MessageLimits.slots : 0...0
        guard allowed.contains(Int(slots)) else {
            throw .invalidValue(field: "slots", value: UInt64(slots))
        }
        self.init(
            role: role, name: name, host: host, processID: processID, programVersion: version,
            features: features, bodyBytesMax: bodyBytesMax, slots: slots,
            fingerprint: try fields.digest("fingerprint"),
            configDigest: try fields.digest("config digest"),
            dataDigest: try fields.digest("data digest"),
            proof: HelloProof(
                tokenID: try fields.raw("token id", count: Token.idByteCount),
                code: try fields.digest("code")))
    }
}

extension Ready {
    init(_ fields: inout FieldReader) throws(WireError) {
        let config = try fields.digest("config digest")
        let data = try fields.digest("data digest")
        let count = try fields.count("shards", limit: MessageLimits.shards, itemBytes: 4)
        var shards: [UInt32] = []
        for _ in 0..<count { shards.append(try fields.u32("shard")) }
        guard zip(shards, shards.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw .invalidValue(field: "shards", value: UInt64(count))
        }
        self.init(configDigest: config, dataDigest: data, shards: shards)
    }
}

extension DeliverNode {
    func write(_ fields: inout FieldWriter) {
        fields.node(node)
        fields.count(leaves.count)
        for leaf in leaves {
            fields.u32(leaf.slice.rawValue)
            fields.digest(leaf.digest)
            fields.bool(leaf.isFinite)
            fields.u32(leaf.computeMilliseconds)
        }
    }

    init(_ fields: inout FieldReader, step: StepNumber) throws(WireError) {
        let node = try fields.node()
        let count = try fields.count("leaves", limit: node.indices.count, itemBytes: 41)
        guard count >= 1 else { throw .invalidValue(field: "leaves", value: 0) }
        var leaves: [Leaf] = []
        var lowest = node.lo
        for _ in 0..<count {
            let slice = try fields.u32("slice of a leaf")
            guard slice >= lowest, slice < node.hi else {
                throw .invalidValue(field: "slice of a leaf", value: UInt64(slice))
            }
            lowest = slice + 1
            leaves.append(
                Leaf(
                    slice: SliceNumber(rawValue: slice), digest: try fields.digest("leaf digest"),
                    isFinite: try fields.bool("finite"),
                    computeMilliseconds: try fields.u32("milliseconds")))
        }
        self.init(step: step, node: node, leaves: leaves)
    }
}

extension Heartbeat {
    func write(_ fields: inout FieldWriter) {
        fields.count(slots.count)
        for slot in slots {
            fields.u16(slot.slot)
            fields.u8(slot.phase.rawValue)
            fields.u64(slot.step.rawValue)
            fields.u32(slot.slice.rawValue)
            fields.u64(slot.ticks)
        }
    }

    init(_ fields: inout FieldReader) throws(WireError) {
        let count = try fields.count("slots", limit: MessageLimits.slots, itemBytes: 23)
        var slots: [SlotProgress] = []
        for place in 0..<count {
            let slot = try fields.u16("slot")
            guard Int(slot) == place else {
                throw .invalidValue(field: "slot", value: UInt64(slot))
            }
            slots.append(
                SlotProgress(
                    slot: slot, phase: try fields.choice("phase", SlotPhase.self),
                    step: StepNumber(
                        rawValue: try fields.u64("step", limit: MessageLimits.steps)),
                    slice: SliceNumber(rawValue: try fields.u32("slice")),
                    ticks: try fields.u64("ticks")))
        }
        self.init(slots: slots)
    }
}
