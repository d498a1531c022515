public import Wire

/// The header's facts that a message does not state itself.
struct Envelope {
    var step = StepNumber(rawValue: 0)
    var slice = SliceNumber(rawValue: 0)
}

/// Fields under construction, with what of the message stands in the header.
struct EncodedMessage {
    var envelope = Envelope()
    var fields = FieldWriter()

    /// The message on the wire.
    func message(
        kind: MessageKind, id: RequestID, incarnation: Incarnation, tensors: [WireTensor]
    ) -> WireMessage {
        precondition(
            tensors.isEmpty || kind.carriesTensors, "\(kind) carries no tensors")
        return WireMessage(
            kind: kind.rawValue, incarnation: incarnation.rawValue, requestID: id.rawValue,
            step: envelope.step.rawValue, slice: envelope.slice.rawValue,
            body: MessageBody(fields: fields.bytes, tensors: tensors))
    }
}

extension MessageKind {
    /// Whether messages of this kind have tensors beside their fields.
    public var carriesTensors: Bool {
        switch self {
        case .exchange, .deliverNode, .version, .answer: true
        default: false
        }
    }

    /// Which of the header's fields `step` and `slice` belong to the message; the others are 0.
    var envelopeUse: (step: Bool, slice: Bool) {
        switch self {
        case .exchange, .returnLease, .lease, .answer, .abandon: (true, true)
        case .fetchVersion, .offerNode, .deliverNode, .version: (true, false)
        default: (false, false)
        }
    }

    /// The kind of a message of a family.
    ///
    /// - Throws: a refusal `unknownKind`, or `unknownFlag` for flags other than
    ///   must-understand.
    public init(_ message: WireMessage, family: Family) throws(Refusal) {
        guard let kind = MessageKind(rawValue: message.kind), kind.family == family else {
            throw Refusal(.unknownKind, "kind \(message.kind) is no \(family)")
        }
        guard message.flags & ~FrameHeader.mustUnderstand == 0 else {
            throw Refusal(.unknownFlag, "\(kind.name) with flags \(message.flags)")
        }
        self = kind
    }

    /// Reads a message's fields to the end with `read`.
    ///
    /// - Throws: a refusal `malformedBody` that names message and field.
    func decode<Value>(
        _ message: WireMessage,
        _ read: (inout FieldReader, Envelope) throws(WireError) -> Value
    ) throws(Refusal) -> Value {
        do throws(WireError) {
            let envelope = try envelope(of: message)
            guard carriesTensors || message.body.tensors.isEmpty else {
                throw .invalidValue(
                    field: "tensor count", value: UInt64(message.body.tensors.count))
            }
            var reader = FieldReader(message.body.fields)
            let value = try read(&reader, envelope)
            try reader.finish()
            return value
        } catch {
            throw Refusal(.malformedBody, "\(name): \(error)")
        }
    }

    private func envelope(of message: WireMessage) throws(WireError) -> Envelope {
        guard message.step <= (envelopeUse.step ? MessageLimits.steps : 0) else {
            throw .header(field: "step", value: message.step)
        }
        guard message.slice < (envelopeUse.slice ? UInt32(MessageLimits.slices) : 1) else {
            throw .header(field: "slice", value: UInt64(message.slice))
        }
        return Envelope(
            step: StepNumber(rawValue: message.step), slice: SliceNumber(rawValue: message.slice))
    }
}
