import Buffers
import Testing
import Wire

@Suite struct FrameHeaderTests {
    private let message = WireMessage(
        kind: 0x0a0b, flags: 0x8001, incarnation: 0x1112_1314_1516_1718, requestID: 0x21,
        step: 0x31, slice: 0x41)

    private func header(
        index: UInt32 = 0, count: UInt32 = 1, length: UInt32 = 8
    ) -> FrameHeader {
        FrameHeader(
            message, chunkIndex: index, chunkCount: count, payloadLength: length,
            payloadChecksum: 0x5152_5354)
    }

    /// The bytes of a header, changed, with a checksum that fits the change.
    private func resealed(_ change: (inout [UInt8]) -> Void) -> [UInt8] {
        var bytes = Array(header().encoded()[..<60])
        change(&bytes)
        var writer = FieldWriter()
        writer.raw(bytes)
        writer.u32(CRC32C.checksum(bytes))
        return writer.bytes
    }

    @Test func `a header lies in the bytes where the specification says`() {
        let bytes = header().encoded()
        #expect(bytes.count == 64)
        #expect(Array(bytes[0..<4]) == Array("PLDF".utf8))
        #expect(Array(bytes[4..<6]) == [1, 0])
        #expect(Array(bytes[6..<12]) == [0x0b, 0x0a, 0x01, 0x80, 64, 0])
        #expect(Array(bytes[16..<24]) == [0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11])
        #expect(bytes[24] == 0x21 && bytes[32] == 0x31 && bytes[40] == 0x41)
        #expect(bytes[44] == 1 && bytes[48] == 8)
        #expect(Array(bytes[52..<60]) == [0x54, 0x53, 0x52, 0x51, 0, 0, 0, 0])
    }

    @Test func `a header decodes to what was encoded`() throws {
        #expect(try FrameHeader(decoding: header().encoded()) == header())
    }

    @Test func `every flipped bit of a header is refused`() {
        let bytes = header().encoded()
        for bit in 0..<512 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: WireError.self) { try FrameHeader(decoding: damaged) }
        }
    }

    @Test func `a short header is truncated`() {
        for count in 0..<64 {
            let bytes = Array(header().encoded()[..<count])
            #expect(throws: WireError.truncated(field: "header", needed: 64, available: count)) {
                try FrameHeader(decoding: bytes)
            }
        }
    }

    @Test func `another major version is refused, a newer minor one is not`() throws {
        #expect(throws: WireError.unsupportedMajor(2)) {
            try FrameHeader(decoding: resealed { $0[4] = 2 })
        }
        #expect(try FrameHeader(decoding: resealed { $0[5] = 9 }).minor == 9)
    }

    @Test(
        arguments: [
            (10, 65, "header length"), (12, 1, "chunk index"), (44, 0, "chunk count"),
            (48, 0, "payload length"), (51, 1, "payload length"), (56, 1, "reserved"),
        ] as [(Int, UInt8, String)])
    func `a sealed header with a forbidden value is refused`(
        place: Int, value: UInt8, field: String
    ) {
        let bytes = resealed { $0[place] = value }
        let error = #expect(throws: WireError.self) { try FrameHeader(decoding: bytes) }
        guard case .header(let found, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(found == field)
    }

    @Test func `a chunk that is not the last must be full`() {
        let short = header(index: 0, count: 2, length: 100).encoded()
        #expect(throws: WireError.header(field: "payload length", value: 100)) {
            try FrameHeader(decoding: short)
        }
        let full = header(index: 0, count: 2, length: 1 << 20).encoded()
        #expect(throws: Never.self) { try FrameHeader(decoding: full) }
    }

    @Test func `every error is a sentence with its numbers`() {
        let errors: [WireError] = [
            .notPleiad(magic: 1), .headerChecksum(stated: 1, computed: 2), .unsupportedMajor(9),
            .header(field: "chunk count", value: 0), .payloadChecksum(stated: 1, computed: 2),
            .chunkOutOfPlace(field: "kind", expected: 1, found: 2), .trailingBytes(3),
            .truncated(field: "fields", needed: 9, available: 3),
            .overLimit(field: "body length", value: 9, limit: 8),
            .invalidValue(field: "flag", value: 2), .invalidText(field: "name"),
            .unknownType(tensor: "z", code: 9), .tensor(name: "z", problem: "it is too odd"),
        ]
        for error in errors { #expect(error.description.count > 15) }
    }
}
