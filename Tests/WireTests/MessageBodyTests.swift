import Buffers
import Testing
import Wire

@Suite struct MessageBodyTests {
    private func encoded(_ body: MessageBody) -> [UInt8] {
        body.gathered().reduce(into: []) { $0 += $1.copied() }
    }

    private func decode(
        _ bytes: [UInt8], limits: WireLimits = .standard
    ) throws -> MessageBody {
        try MessageBody(decoding: buffer(bytes), byteCount: bytes.count, limits: limits)
    }

    @Test func `an empty body is eight zero bytes`() throws {
        #expect(encoded(MessageBody()) == [UInt8](repeating: 0, count: 8))
        #expect(try decode([UInt8](repeating: 0, count: 8)).tensors.isEmpty)
    }

    @Test func `a body lies in the bytes where the specification says`() {
        let tensor = WireTensor(name: "z", type: .u8, dims: [2], buffer: buffer([7, 8]))
        let bytes = encoded(MessageBody(fields: [5], tensors: [tensor]))
        let head: [UInt8] = [1, 0, 0, 0, 1, 0, 0, 0, 5, 1, 0, 0x7a, 5, 1]
        let numbers: [UInt8] = [2, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0]
        #expect(bytes == head + numbers + [UInt8](repeating: 0, count: 34) + [7, 8])
    }

    @Test func `tensors are views of the received memory at multiples of 64`() throws {
        let bytes = encoded(smallMessage().body)
        let received = buffer(bytes)
        let body = try MessageBody(decoding: received, byteCount: bytes.count)
        for tensor in body.tensors {
            #expect(tensor.buffer === received)
            #expect(tensor.byteOffset % 64 == 0)
        }
    }

    @Test func `large tensors are gathered from their own memory`() {
        let large = byteTensor("large", 5000)
        let small = byteTensor("small", 100)
        let slices = MessageBody(tensors: [small, large, small]).gathered()
        #expect(slices.count == 3)
        #expect(slices[1].buffer === large.buffer)
        #expect(
            slices.reduce(0) { $0 + $1.byteCount }
                == encoded(
                    MessageBody(tensors: [small, large, small])
                ).count)
    }

    @Test func `the size of a body is known before it is encoded`() {
        let body = smallMessage().body
        #expect(body.byteCount == encoded(body).count)
    }

    @Test func `every truncation of a body is refused`() {
        let bytes = encoded(smallMessage().body)
        for count in 0..<bytes.count {
            #expect(throws: WireError.self) { try decode(Array(bytes[..<count])) }
        }
    }

    @Test func `every flipped bit of a body is refused or decodes to what it says`() throws {
        let bytes = encoded(smallMessage().body)
        for bit in 0..<(bytes.count * 8) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let body = try? decode(damaged) else { continue }  // refused: as it should
            #expect(encoded(body) == damaged, "bit \(bit) was accepted and not kept")
        }
    }

    @Test func `bytes after the last tensor are refused`() {
        let bytes = encoded(smallMessage().body) + [0]
        #expect(throws: WireError.trailingBytes(1)) { try decode(bytes) }
    }

    @Test func `two tensors of one name are refused`() {
        let twice = [byteTensor("z", 3), byteTensor("z", 3)]
        #expect(throws: WireError.tensor(name: "z", problem: "the name occurs twice")) {
            try decode(encoded(MessageBody(tensors: twice)))
        }
    }

    @Test func `limits are kept before anything is allocated`() {
        let bytes = encoded(smallMessage().body)
        let limits: [WireLimits] = [
            WireLimits(maxBodyBytes: bytes.count - 1), WireLimits(maxFieldsBytes: 4),
            WireLimits(maxTensors: 4), WireLimits(maxRank: 1), WireLimits(maxNameBytes: 6),
        ]
        for limit in limits {
            let error = #expect(throws: WireError.self) { try decode(bytes, limits: limit) }
            guard case .overLimit? = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
    }

    /// A body with one tensor whose dims and offset are the numbers given.
    private func forged(dims: [UInt64], offset: UInt64, type: UInt8 = 1) -> [UInt8] {
        var writer = FieldWriter()
        writer.u32(0)
        writer.u32(1)
        writer.u16(1)
        writer.raw([0x7a])
        writer.u8(type)
        writer.u8(UInt8(dims.count))
        for dim in dims { writer.u64(dim) }
        writer.u64(offset)
        return writer.bytes + [UInt8](repeating: 0, count: 256 - writer.bytes.count)
    }

    @Test(
        arguments: [
            ([1 << 63], 64), ([1 << 62, 1 << 62], 64), ([.max, .max, .max], 64), ([1 << 40], 64),
            ([4], .max), ([4], 1 << 62), ([4], 65), ([4], 0), ([4], 128), ([48], 64), ([49], 64),
        ] as [([UInt64], UInt64)])
    func `forged dimensions and offsets are refused, never trapped on`(
        dims: [UInt64], offset: UInt64
    ) throws {
        if dims == [48], offset == 64 {
            #expect(try decode(forged(dims: dims, offset: offset)).tensors[0].byteCount == 192)
        } else {
            #expect(throws: WireError.self) { try decode(forged(dims: dims, offset: offset)) }
        }
    }

    @Test func `an unknown element type is named`() {
        #expect(throws: WireError.unknownType(tensor: "z", code: 7)) {
            try decode(forged(dims: [4], offset: 64, type: 7))
        }
    }
}
