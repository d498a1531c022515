import Buffers
import Wire

/// The frames of one long message, out of order, doubled, cut or changed.
///
/// An input is a script: the message's size, and then what is done to which of its frames. So a few
/// bytes stand for megabytes of frames.
enum ChunkTarget: Target {
    static let name = "chunks"
    static let isText = false

    /// What the frames were read as; nil if sound ones were refused.
    struct Content {
        var message: WireMessage?
        var isSound: Bool
    }

    static func seeds() throws -> [[UInt8]] {
        let changes: [[UInt8]] = [
            [], [0, 1, 0], [1, 1, 0], [2, 0, 1], [3, 8, 1], [4, 90, 1], [5, 100, 0], [6, 3, 1],
            [2, 0, 1, 2, 1, 0], [3, 48, 0, 3, 20, 1],
        ]
        return changes.flatMap { change in [[0, 9] + change, [2, 7] + change] }
    }

    static func read(_ input: [UInt8]) -> Content? {
        let sound = FrameCodec.encode(message(input))
        var frames = sound
        for place in stride(from: 2, to: input.count - 2, by: 3) {
            change(&frames, input[place], Int(input[place + 1]), Int(input[place + 2]))
        }
        let isSound = frames == sound
        let message = try? FrameCodec.decode(frames, limits: WireLimits(maxBodyBytes: 3 << 20))
        return message == nil && !isSound ? nil : Content(message: message, isSound: isSound)
    }

    static func check(_ content: Content, of input: [UInt8]) throws(BrokenPromise) {
        guard let read = content.message else { throw BrokenPromise("sound frames are refused") }
        let sent = message(input)
        try promise(
            read.body.tensors.map(\.dims) == sent.body.tensors.map(\.dims)
                && read.body.byteCount == sent.body.byteCount, "the body has another size")
        guard content.isSound else { return }
        try promise(
            facts(read.body.tensors) == facts(sent.body.tensors)
                && read.body.fields == sent.body.fields, "the body has other bytes")
    }

    static func bytesMax(_ input: [UInt8]) -> Int {
        // The message and its frames, of which eight may be there, each once in the list and once
        // in a row, the buffer that the first header declares, the sound frames once more, and one
        // that is being changed.
        let body = message(input).body.byteCount
        return bytesAlways + 2 * body + (16 + 3 + 3 + 1) * FrameHeader.chunkByteCount
    }

    /// A message of up to three chunks.
    private static func message(_ input: [UInt8]) -> WireMessage {
        let chunks = input.isEmpty ? 0 : Int(input[0] % 3)
        let rest = input.count < 2 ? 0 : Int(input[1])
        let count = chunks * FrameHeader.chunkByteCount + 256 * rest
        return WireMessage(
            kind: 7, requestID: 3, step: 4, slice: 5,
            body: MessageBody(
                fields: [1, 2, 3],
                tensors: [
                    WireTensor(
                        name: "t", type: .u8, dims: [count], buffer: AlignedBuffer(byteCount: count)
                    )
                ]))
    }

    private static func change(
        _ frames: inout [[UInt8]], _ kind: UInt8, _ first: Int, _ second: Int
    ) {
        guard !frames.isEmpty else { return }
        let (one, other) = (first % frames.count, second % frames.count)
        // What was cut to less than a header has nothing to be changed.
        guard frames[one].count > FrameHeader.byteCount, frames[other].count > FrameHeader.byteCount
        else { return }
        switch kind % 8 {
        case 0: frames.remove(at: one)
        case 1: if frames.count < 8 { frames.insert(frames[one], at: other) }
        case 2: frames.swapAt(one, other)
        case 3:
            frames[other][first % FrameHeader.byteCount] ^= 1 << UInt8(second % 8)
            frames[other] = FrameTarget.sealed(frames[other])
        case 4:
            frames[other][first % frames[other].count] ^= 1
            frames[other] = FrameTarget.sealed(frames[other])
        case 5: frames[other][first % frames[other].count] ^= 1
        case 6: frames[other].removeLast(min(first, frames[other].count - 1))
        default: frames[one].replaceSubrange(..<48, with: frames[other][..<48])
        }
    }
}
