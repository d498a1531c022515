import Buffers
import Testing
import Wire

@Suite struct FrameCodecTests {
    @Test func `a message decodes to what was encoded`() throws {
        let message = smallMessage()
        #expect(isSame(try FrameCodec.decode(FrameCodec.encode(message)), message))
    }

    @Test(arguments: [
        0, 1, 1 << 20, (1 << 20) - 64, (1 << 20) - 63, (1 << 20) + 1, 3 << 20, 5_000_001,
    ])
    func `a message of any size is cut into full chunks and a rest`(count: Int) throws {
        let message = WireMessage(
            kind: 3, requestID: 9,
            body: MessageBody(fields: [1], tensors: [byteTensor("t", count)]))
        let frames = FrameCodec.encode(message)
        for frame in frames.dropLast() { #expect(frame.count == 64 + 1 << 20) }
        let total = frames.reduce(0) { $0 + $1.count - 64 }
        #expect(total == message.body.byteCount)
        #expect(isSame(try FrameCodec.decode(frames), message))
    }

    @Test func `many tensors in one chunk keep their order and bytes`() throws {
        let tensors = (0..<300).map { byteTensor("t\($0)", $0 * 37, seed: UInt64($0)) }
        let message = WireMessage(kind: 1, body: MessageBody(tensors: tensors))
        #expect(isSame(try FrameCodec.decode(FrameCodec.encode(message)), message))
    }

    @Test func `every truncation of a frame is refused`() {
        let bytes = FrameCodec.encode(smallMessage())[0]
        for count in 0..<bytes.count {
            #expect(throws: WireError.self) { try FrameCodec.decode(Array(bytes[..<count])) }
        }
    }

    @Test func `every flipped bit of a frame is refused`() {
        let bytes = FrameCodec.encode(smallMessage())[0]
        for bit in 0..<(bytes.count * 8) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: WireError.self) { try FrameCodec.decode(damaged) }
        }
    }

    private func threeChunks() -> [[UInt8]] {
        FrameCodec.encode(
            WireMessage(kind: 3, body: MessageBody(tensors: [byteTensor("t", 2_500_000)])))
    }

    @Test func `lost, repeated, swapped and foreign chunks are refused`() {
        let frames = threeChunks()
        let foreign = FrameCodec.encode(
            WireMessage(
                kind: 4, body: MessageBody(tensors: [byteTensor("t", 2_500_000)])))
        let orders = [
            [frames[0], frames[2]], [frames[0], frames[0], frames[1], frames[2]],
            [frames[0], frames[2], frames[1]], [frames[1], frames[2]], [frames[0], frames[1]],
            [frames[0], foreign[1], frames[2]], frames + [frames[2]],
        ]
        for order in orders {
            #expect(throws: WireError.self) { try FrameCodec.decode(order) }
        }
    }

    @Test func `the size of a message is compared with the limit at its first chunk`() throws {
        let first = try FrameHeader(decoding: threeChunks()[0])
        var assembler = MessageAssembler()
        #expect(
            throws: WireError.overLimit(
                field: "body length", value: 2 << 20 + 1, limit: 2 << 20)
        ) {
            try assembler.accept(first, maxBodyBytes: 2 << 20)
        }
        // Within the least size that three chunks can have, the rest shows at the last chunk.
        let limit = 2_400_000
        #expect(throws: WireError.self) {
            try FrameCodec.decode(threeChunks(), limits: WireLimits(maxBodyBytes: limit))
        }
    }

    @Test func `a checksum can be computed in pieces`() {
        let bytes = BufferSlice(copying: pattern(1000))
        let whole = bytes.checksum()
        for cut in [0, 1, 15, 16, 500, 999, 1000] {
            let head = bytes.prefix(cut).checksum()
            #expect(bytes.dropFirst(cut).checksum(continuing: head) == whole)
        }
        #expect(BufferSlice(copying: Array("123456789".utf8)).checksum() == 0xe306_9283)
    }

    @Test func `long runs have the same checksum at any offset and length`() {
        let bytes = pattern(60_000)
        let whole = BufferSlice(copying: bytes)
        for (offset, count) in [(0, 60_000), (1, 12_288), (7, 12_287), (63, 36_865), (8, 24_576)] {
            let run = whole.dropFirst(offset).prefix(count)
            let expected = CRC32C.checksumByTables(
                Array(bytes[offset..<(offset + count)]), continuing: 0x1234_5678)
            #expect(run.checksum(continuing: 0x1234_5678) == expected)
        }
    }

    @Test func `the checksum is no brake on the wire`() {
        let bytes = BufferSlice(AlignedBuffer(byteCount: 64 << 20))
        let clock = ContinuousClock()
        _ = bytes.checksum()
        let elapsed = (0..<3).map { _ in clock.measure { _ = bytes.checksum() } }.min() ?? .zero
        print("crc32c: \(Double(64 << 20) / (elapsed / .seconds(1)) / 1e9) GB/s")
        #expect(elapsed < .milliseconds(640))  // 0.1 GB/s, however busy the machine is
    }
}
