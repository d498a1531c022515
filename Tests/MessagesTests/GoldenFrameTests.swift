import Foundation
import Identity
import Messages
import Testing
import Wire

@Suite struct GoldenFrameTests {
    @Test func `every kind of message has a sample`() {
        #expect(GoldenFrame.all.map(\.kind) == MessageKind.allCases)
    }

    @Test(arguments: GoldenFrame.all + GoldenFrame.variants)
    func `a golden frame decodes to its meaning`(golden: GoldenFrame) throws {
        let message = try FrameCodec.decode(try golden.storedBytes())
        #expect(message.incarnation == golden.wire.incarnation)
        #expect(message.requestID == golden.id)
        #expect(facts(message.body.tensors) == facts(golden.tensors))
        switch golden.message {
        case .request(let request): #expect(try Request(message) == request)
        case .reply(let reply): #expect(try Reply(message) == reply)
        case .push(let push): #expect(try Push(message) == push)
        }
    }

    @Test(arguments: GoldenFrame.all + GoldenFrame.variants)
    func `a golden frame encodes to the same bytes`(golden: GoldenFrame) throws {
        let text = try String(contentsOf: golden.file, encoding: .utf8)
        #expect(text == golden.vectorText)
    }

    @Test(arguments: GoldenFrame.all + GoldenFrame.variants)
    func `a truncated golden frame is refused`(golden: GoldenFrame) throws {
        let bytes = try golden.storedBytes()
        for length in 0..<bytes.count {
            #expect(throws: WireError.self) { try FrameCodec.decode(Array(bytes[..<length])) }
        }
    }

    @Test(arguments: GoldenFrame.all + GoldenFrame.variants)
    func `a golden frame with a flipped bit is refused`(golden: GoldenFrame) throws {
        let bytes = try golden.storedBytes()
        for bit in 0..<(8 * bytes.count) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: WireError.self) { try FrameCodec.decode(flipped) }
        }
    }

    /// Checksums apart, a decoder faces any bytes: what it takes it must write back the same.
    @Test(arguments: GoldenFrame.all + GoldenFrame.variants)
    func `fields with a flipped bit are refused or mean what they say`(golden: GoldenFrame) {
        let wire = golden.wire
        for bit in 0..<(8 * wire.body.fields.count) {
            var flipped = wire
            flipped.body.fields[bit / 8] ^= 1 << UInt8(bit % 8)
            expectRefusedOrEqual(flipped, golden)
        }
    }

    @Test(arguments: GoldenFrame.all + GoldenFrame.variants)
    func `truncated and prolonged fields are refused`(golden: GoldenFrame) {
        let fields = golden.wire.body.fields
        var wire = golden.wire
        for length in 0..<fields.count {
            wire.body.fields = Array(fields[..<length])
            #expect(reencoded(wire, golden) == nil)
        }
        wire.body.fields = fields + [0]
        #expect(reencoded(wire, golden) == nil)
    }

    /// Makes the vectors anew: run with PLEIAD_WRITE_VECTORS set, look at the difference, commit.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["PLEIAD_WRITE_VECTORS"] != nil))
    func `vectors are written`() throws {
        try FileManager.default.createDirectory(
            at: GoldenFrame.directory, withIntermediateDirectories: true)
        for golden in GoldenFrame.all + GoldenFrame.variants {
            try golden.vectorText.write(
                to: golden.file, atomically: true, encoding: .utf8)
        }
    }

    private func expectRefusedOrEqual(_ wire: WireMessage, _ golden: GoldenFrame) {
        guard let again = reencoded(wire, golden) else { return }
        #expect(again.body.fields == wire.body.fields)
        #expect(again.step == wire.step && again.slice == wire.slice)
    }

    /// The message decoded and encoded again; nil if it is refused.
    private func reencoded(_ wire: WireMessage, _ golden: GoldenFrame) -> WireMessage? {
        var again = golden
        do throws(Refusal) {
            switch golden.message {
            case .request: again.message = .request(try Request(wire))
            case .reply: again.message = .reply(try Reply(wire))
            case .push: again.message = .push(try Push(wire))
            }
        } catch {
            #expect([.malformedBody, .unknownKind, .unknownFlag].contains(error.code))
            return nil
        }
        return again.wire
    }
}
