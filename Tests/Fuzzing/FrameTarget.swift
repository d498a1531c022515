import Buffers
import Messages
import Optimizers
import Tensors
import Wire

/// Frames from a peer: header, body, and every message that they can be.
enum FrameTarget: Target {
    static let name = "frames"
    static let isText = false

    /// A body may have 4 MiB, so that a header can declare more than its frame holds.
    static let limits = WireLimits(maxBodyBytes: 4 << 20)

    /// A message, and what it was taken for.
    struct Content {
        var message: WireMessage
        var request: Request?
        var answer: CoordinatorMessage?
        var result: SliceResult?
        var named: NamedTensors?
    }

    static func seeds() throws -> [[UInt8]] { try goldenFrames() }

    static func read(_ input: [UInt8]) -> Content? {
        guard let message = try? FrameCodec.decode(input, limits: limits) else { return nil }
        let tensors = message.body.tensors
        return Content(
            message: message, request: try? Request(message),
            answer: try? CoordinatorMessage(message), result: try? SliceResult(wire: tensors),
            named: try? NamedTensors(wire: tensors))
    }

    static func check(_ content: Content, of input: [UInt8]) throws(BrokenPromise) {
        let message = content.message
        // The minor version of a peer is not kept.
        if input[5] == FrameHeader.currentMinor {
            try promise(
                FrameCodec.encode(message).flatMap(\.self) == input,
                "encoding the message gives other bytes")
        }
        let id = RequestID(rawValue: message.requestID)
        let incarnation = Incarnation(rawValue: message.incarnation)
        let tensors = message.body.tensors
        if let request = content.request {
            let again = request.message(id: id, incarnation: incarnation, tensors: tensors)
            try promiseEqual(again, message)
        }
        switch content.answer {
        case .reply(let id, let reply, let tensors)?:
            let again = reply.message(to: id, incarnation: incarnation, tensors: tensors)
            try promiseEqual(again, message)
        case .push(let push)?: try promiseEqual(push.message(incarnation: incarnation), message)
        case .unknownPush?, nil: break
        }
        if let result = content.result {
            try promise(facts(result.wireTensors) == facts(tensors), "a result is not what came")
        }
        if let named = content.named {
            try promise(facts(named.wireTensors) == facts(tensors), "tensors are not what came")
        }
    }

    private static func promiseEqual(
        _ again: WireMessage, _ message: WireMessage
    ) throws(BrokenPromise) {
        var again = again
        again.flags = message.flags  // all that a message can have is "must understand"
        try promise(
            FrameCodec.encode(again) == FrameCodec.encode(message),
            "what kind \(message.kind) was taken for is encoded otherwise")
    }

    static func bytesMax(_ input: [UInt8]) -> Int {
        bytesAlways + 64 * input.count + declaredBytes(input, limit: limits.maxBodyBytes)
    }

    /// The memory for a body that the first header declares and the limit permits.
    static func declaredBytes(_ input: [UInt8], limit: Int) -> Int {
        guard let header = try? FrameHeader(decoding: input), header.chunkCount > 1 else {
            return 0
        }
        return min(Int(header.chunkCount) * FrameHeader.chunkByteCount, limit)
    }

    /// Frame after frame gets the checksums of its bytes; the last one gets the bytes that are
    /// left for its payload.
    static func sealed(_ input: [UInt8]) -> [UInt8] {
        var bytes = input
        var start = 0
        while bytes.count - start > FrameHeader.byteCount {
            let room = bytes.count - start - FrameHeader.byteCount
            let stated = bytes.littleEndian(at: start + 48)
            let length = min(Int(stated), room)
            let isLast = length == room || stated == 0 || length > FrameHeader.chunkByteCount
            let used = isLast ? min(room, FrameHeader.chunkByteCount) : length
            bytes.put(UInt32(used), at: start + 48)
            let payload = start + FrameHeader.byteCount
            bytes.put(CRC32C.checksum(Array(bytes[payload..<payload + used])), at: start + 52)
            let sum = CRC32C.checksum(Array(bytes[start..<start + FrameHeader.byteCount - 4]))
            bytes.put(sum, at: start + FrameHeader.byteCount - 4)
            start = payload + used
        }
        return bytes
    }
}

/// Tensors' facts for comparisons: names, types, shapes and bits.
func facts(_ tensors: [WireTensor]) -> [String] {
    tensors.map { "\($0.name) \($0.type) \($0.dims) \(Messages.digest(of: [$0]))" }
}
