internal import Identity
public import Wire

extension Reply {
    /// The kind under which it travels.
    public var kind: MessageKind {
        switch self {
        case .greeting: .greeting
        case .welcome: .welcome
        case .accepted: .accepted
        case .lease: .lease
        case .version: .version
        case .answer: .answer
        case .verdict: .verdict
        case .status: .statusDocument
        case .refused: .refused
        }
    }

    /// The reply on the wire.
    ///
    /// - Parameters:
    ///   - id: the request's; 0 refuses a frame that has none.
    ///   - incarnation: the receiver's, or 0 if it has none.
    ///   - tensors: what travels beside the fields; empty for kinds without.
    public func message(
        to id: RequestID, incarnation: Incarnation, tensors: [WireTensor] = []
    ) -> WireMessage {
        encoded().message(kind: kind, id: id, incarnation: incarnation, tensors: tensors)
    }

    private func encoded() -> EncodedMessage {
        var out = EncodedMessage()
        switch self {
        case .greeting(let greeting):
            precondition(
                greeting.nonce.count == MessageLimits.nonceBytes, "a nonce has 16 bytes")
            out.fields.u8(greeting.minor)
            out.fields.u32(greeting.epoch)
            out.fields.raw(greeting.nonce)
        case .welcome(let welcome): welcome.write(&out.fields)
        case .accepted: break
        case .lease(let lease):
            out.envelope = Envelope(step: lease.task.step, slice: lease.task.slice)
            lease.write(&out.fields)
        case .version(let version):
            out.envelope.step = version.step
            out.fields.digest(version.digest)
        case .answer(let answer):
            out.envelope = Envelope(step: answer.step, slice: answer.slice)
            out.fields.u16(answer.round)
        case .verdict(let verdict): out.fields.u8(verdict.rawValue)
        case .status(let document):
            precondition(
                document.utf8.count <= MessageLimits.statusBytes, "the status is too long")
            out.fields.string(document)
        case .refused(let refusal):
            out.fields.u16(refusal.code.rawValue)
            out.fields.text(refusal.detail, limit: MessageLimits.detailBytes)
        }
        return out
    }

    /// Reads a reply; its tensors stay in the message's body.
    ///
    /// - Throws: a refusal `unknownKind`, `unknownFlag` or `malformedBody`.
    public init(_ message: WireMessage) throws(Refusal) {
        let kind = try MessageKind(message, family: .reply)
        self = try kind.decode(message) {
            (fields: inout FieldReader, envelope) throws(WireError) in
            try Reply(kind, &fields, envelope)
        }
    }

    private init(
        _ kind: MessageKind, _ fields: inout FieldReader, _ envelope: Envelope
    ) throws(WireError) {
        switch kind {
        case .greeting:
            self = .greeting(
                Greeting(
                    minor: try fields.u8("minor"), epoch: try fields.u32("epoch"),
                    nonce: try fields.raw("nonce", count: MessageLimits.nonceBytes)))
        case .welcome: self = .welcome(try Welcome(&fields))
        case .accepted: self = .accepted
        case .lease: self = .lease(try Lease(&fields, envelope))
        case .version:
            self = .version(
                FetchVersion(step: envelope.step, digest: try fields.digest("digest")))
        case .answer:
            self = .answer(
                ExchangeAnswer(
                    step: envelope.step, slice: envelope.slice, round: try fields.u16("round")))
        case .verdict: self = .verdict(try fields.choice("verdict", NodeVerdict.self))
        case .statusDocument:
            self = .status(try fields.string("document", limit: MessageLimits.statusBytes))
        case .refused: self = .refused(try Refusal(&fields))
        default: preconditionFailure("\(kind) is no reply")
        }
    }
}

extension Welcome {
    func write(_ fields: inout FieldWriter) {
        precondition(
            runFile.utf8.count <= MessageLimits.runFileBytes, "the run file is too long")
        fields.u64(incarnation.rawValue)
        fields.u64(ticket)
        fields.u32(heartbeatMilliseconds)
        fields.u64(bodyBytesMax)
        fields.string(runFile)
        fields.digest(configDigest)
        fields.digest(dataDigest)
        fields.digest(code)
    }

    init(_ fields: inout FieldReader) throws(WireError) {
        let incarnation = Incarnation(rawValue: try fields.u64("incarnation"))
        let ticket = try fields.u64("ticket")
        let heartbeat = try fields.u32("heartbeat milliseconds")
        guard (10...60_000).contains(heartbeat) else {
            throw .invalidValue(field: "heartbeat milliseconds", value: UInt64(heartbeat))
        }
        self.init(
            incarnation: incarnation, ticket: ticket, heartbeatMilliseconds: heartbeat,
            bodyBytesMax: try fields.u64("body bytes", limit: MessageLimits.statedBytes),
            runFile: try fields.string("run file", limit: MessageLimits.runFileBytes),
            configDigest: try fields.digest("config digest"),
            dataDigest: try fields.digest("data digest"), code: try fields.digest("code"))
    }
}

extension Lease {
    func write(_ fields: inout FieldWriter) {
        precondition(hints.count <= MessageLimits.hints, "a lease has too many hints")
        fields.digest(version)
        fields.digest(averages)
        fields.u64(seed)
        fields.taskBody(task)
        fields.count(hints.count)
        for hint in hints {
            fields.u64(hint.step.rawValue)
            fields.u32(hint.slice.rawValue)
            fields.taskBody(hint)
        }
    }

    init(_ fields: inout FieldReader, _ envelope: Envelope) throws(WireError) {
        let version = try fields.digest("version")
        let averages = try fields.digest("averages")
        let seed = try fields.u64("seed")
        let task = try fields.taskBody(step: envelope.step, slice: envelope.slice)
        let count = try fields.count("hints", limit: MessageLimits.hints, itemBytes: 32)
        var hints: [SliceTask] = []
        for _ in 0..<count {
            let step = try fields.u64("step of a hint", limit: MessageLimits.steps)
            let slice = try fields.u32("slice of a hint")
            guard slice < UInt32(MessageLimits.slices) else {
                throw .invalidValue(field: "slice of a hint", value: UInt64(slice))
            }
            hints.append(
                try fields.taskBody(
                    step: StepNumber(rawValue: step), slice: SliceNumber(rawValue: slice)))
        }
        self.init(
            task: task, version: version, averages: averages, seed: seed, hints: hints)
    }
}

extension Refusal {
    init(_ fields: inout FieldReader) throws(WireError) {
        let number = try fields.u16("code")
        guard let code = ErrorCode(rawValue: number) else {
            throw .invalidValue(field: "code", value: UInt64(number))
        }
        self.init(code, try fields.string("detail", limit: MessageLimits.detailBytes))
    }
}

extension Refusal: CustomStringConvertible {
    /// What happened, what about, and what to do, in one line.
    public var description: String {
        detail.isEmpty
            ? "\(code.sentence) \(code.remedy) (error \(code.rawValue))"
            : "\(code.sentence) \(detail). \(code.remedy) (error \(code.rawValue))"
    }
}

extension Push {
    /// The kind under which it travels.
    public var kind: MessageKind {
        switch self {
        case .abandon: .abandon
        case .over: .over
        }
    }

    /// The push on the wire, with request id 0.
    ///
    /// - Parameter incarnation: the receiver's.
    public func message(incarnation: Incarnation) -> WireMessage {
        var out = EncodedMessage()
        switch self {
        case .abandon(let step, let slice): out.envelope = Envelope(step: step, slice: slice)
        case .over(let over):
            out.fields.u8(over.reason.rawValue)
            out.fields.text(over.detail, limit: MessageLimits.detailBytes)
        }
        return out.message(
            kind: kind, id: RequestID(rawValue: 0), incarnation: incarnation, tensors: [])
    }

    /// Reads a push.
    ///
    /// - Throws: a refusal `unknownKind`, `unknownFlag` or `malformedBody`. A push of an unknown
    ///   kind without the must-understand flag is to be ignored by its receiver.
    public init(_ message: WireMessage) throws(Refusal) {
        let kind = try MessageKind(message, family: .push)
        guard message.requestID == 0 else {
            throw Refusal(.malformedBody, "\(kind.name): a push has request id 0")
        }
        self = try kind.decode(message) {
            (fields: inout FieldReader, envelope) throws(WireError) in
            switch kind {
            case .abandon: return .abandon(envelope.step, envelope.slice)
            case .over:
                return .over(
                    RunOver(
                        reason: try fields.choice("reason", OverReason.self),
                        detail: try fields.string("detail", limit: MessageLimits.detailBytes)))
            default: preconditionFailure("\(kind) is no push")
            }
        }
    }
}
