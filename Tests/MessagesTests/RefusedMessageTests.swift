import Identity
import Messages
import Testing
import Wire

@Suite struct RefusedMessageTests {
    private let id = RequestID(rawValue: 1)
    private let incarnation = Incarnation(epoch: 1, counter: 1)

    private func code(_ message: WireMessage) -> ErrorCode? {
        do throws(Refusal) {
            _ = try Request(message)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `an unknown kind, a reply and a push are no requests`() {
        for kind: UInt16 in [0, 0x000f, 0x0100, 0x01ff, 0x0200, 0xffff] {
            #expect(code(WireMessage(kind: kind, requestID: 1)) == .unknownKind)
        }
    }

    @Test func `flags other than must-understand are refused`() {
        var message = Request.status.message(id: id, incarnation: incarnation)
        message.flags = FrameHeader.mustUnderstand
        #expect(code(message) == nil)
        for bit in 0..<15 {
            message.flags = 1 << UInt16(bit)
            #expect(code(message) == .unknownFlag)
        }
    }

    @Test func `a request without an id is refused`() {
        #expect(code(WireMessage(kind: MessageKind.status.rawValue)) == .malformedBody)
    }

    @Test func `step and slice are in the header only where they mean something`() {
        var message = Request.status.message(id: id, incarnation: incarnation)
        message.step = 1
        #expect(code(message) == .malformedBody)
        message.step = 0
        message.slice = 1
        #expect(code(message) == .malformedBody)
        let back = ReturnLease(
            step: StepNumber(1), slice: SliceNumber(1), reason: .drain, detail: "")
        message = Request.returnLease(back).message(id: id, incarnation: incarnation)
        message.step = .max
        #expect(code(message) == .malformedBody)
    }

    @Test func `tensors of a kind that has none are refused`() {
        var message = Request.status.message(id: id, incarnation: incarnation)
        message.body.tensors = exchangeTensors.wireTensors
        #expect(code(message) == .malformedBody)
    }

    @Test(arguments: ["", "a b", "ä", "a\n", String(repeating: "x", count: 65)])
    func `a name that would spoil a table is refused`(name: String) {
        #expect(!isValidPeerName(name))
    }

    @Test func `long text for people is cut at a character`() throws {
        let refusal = Refusal(.badValue, String(repeating: "ä", count: 3000))
        let message = Reply.refused(refusal).message(to: id, incarnation: incarnation)
        guard case .refused(let back) = try Reply(message) else { return }
        #expect(back.detail == String(repeating: "ä", count: MessageLimits.detailBytes / 2))
    }

    @Test func `a push of a later minor is ignored unless it must be understood`() throws {
        var message = WireMessage(kind: 0x02ff)
        guard case .unknownPush = try CoordinatorMessage(message) else {
            Issue.record("an unknown push was taken for something else")
            return
        }
        message.flags = FrameHeader.mustUnderstand
        #expect(throws: Refusal.self) { try CoordinatorMessage(message) }
    }

    @Test func `versions that do not meet have no greeting`() {
        let nonce = Array(repeating: UInt8(0), count: 16)
        let later = Greet(minorLowest: 7, minorHighest: 9, nonce: nonce)
        #expect(Greeting.answering(later, epoch: 1) == nil)
        #expect(Greeting.answering(.anew(), epoch: 1)?.minor == FrameHeader.currentMinor)
    }
}
