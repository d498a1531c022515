import Identity
import Messages
import Testing

@testable import WorkerCore

/// What a worker keeps, and in which order its slices compute: decisions without threads.
@Suite struct ResultBookTests {
    private func key(_ step: Int) -> StepKey {
        StepKey(step: StepNumber(step), version: sha256("version \(step)"))
    }

    @Test func `a result without a sibling here leaves at once`() {
        var book = ResultBook<String>(slices: 4)
        #expect(book.lease(0, of: key(0), stepSamples: 8).isEmpty)
        let nodes = book.deliver(0, of: key(0), "a", isCurrent: true) { "(\($0)+\($1))" }
        #expect(nodes.map(\.payload) == ["a"])
        #expect(book.count == 1)
        book.settle(nodes[0].node, of: key(0))
        #expect(book.count == 0)
    }

    @Test func `siblings leave as their sum, left before right`() {
        var book = ResultBook<String>(slices: 4)
        for slice in [2, 3] { _ = book.lease(slice, of: key(0), stepSamples: 8) }
        #expect(book.deliver(3, of: key(0), "d", isCurrent: true) { "(\($0)+\($1))" }.isEmpty)
        let nodes = book.deliver(2, of: key(0), "c", isCurrent: true) { "(\($0)+\($1))" }
        #expect(nodes.map(\.payload) == ["(c+d)"])
    }

    @Test func `what was not delivered in one life is offered in the next one`() {
        var book = ResultBook<String>(slices: 4)
        for slice in 0..<3 { _ = book.lease(slice, of: key(0), stepSamples: 8) }
        _ = book.deliver(0, of: key(0), "a", isCurrent: true) { $0 + $1 }
        book.endLife()
        _ = book.deliver(2, of: key(0), "c", isCurrent: false) { $0 + $1 }
        #expect(book.lease(1, of: key(0), stepSamples: 8).map(\.payload) == ["a", "c"])
        #expect(book.lease(2, of: key(0), stepSamples: 8).isEmpty)
    }

    @Test func `nothing of one step is offered in another`() {
        var book = ResultBook<String>(slices: 4)
        _ = book.lease(0, of: key(0), stepSamples: 8)
        _ = book.deliver(0, of: key(0), "a", isCurrent: true) { $0 + $1 }
        book.endLife()
        #expect(book.lease(1, of: key(1), stepSamples: 8).isEmpty)
        #expect(book.deliver(0, of: key(0), "late", isCurrent: true) { $0 + $1 }.isEmpty)
        #expect(book.count == 0)
    }

    @Test func `answered slices take their turn before new ones`() {
        var turns = SlotTurns<String>()
        #expect(turns.take())
        #expect(!turns.take())
        turns.wait("new", isAnswered: false)
        turns.wait("answered", isAnswered: true)
        #expect(turns.give() == "answered")
        #expect(turns.give() == "new")
        #expect(turns.give() == nil)
        #expect(turns.take())
    }

    @Test func `a version is fetched once, and two are held`() {
        var versions = HeldVersions<Int, String>()
        for step in 0..<3 {
            guard case .fetch = versions.ask(key(step).version) else {
                Issue.record("version \(step) is not fetched")
                return
            }
            guard case .wait = versions.ask(key(step).version) else {
                Issue.record("version \(step) is fetched twice")
                return
            }
            versions.wait("waiter \(step)", for: key(step).version)
            #expect(versions.settle(key(step).version, step) == ["waiter \(step)"])
        }
        #expect(versions.count == 2)
        guard case .fetch = versions.ask(key(0).version) else {
            Issue.record("the oldest version is still held")
            return
        }
        #expect(versions.settle(key(0).version, nil).isEmpty)
        #expect(versions.count == 2)
    }

    @Test func `errors end a slice or a node as the coordinator meant them`() {
        let gone = ConversationError.refused(Refusal(.leaseGone, ""))
        let busy = ConversationError.refused(Refusal(.tooMany, ""))
        #expect(WorkerSession.SliceEnd(gone) == .gone)
        #expect(WorkerSession.SliceEnd(ConversationError.lost("")) == .stopped(.lost))
        #expect(WorkerSession.SliceEnd(StopReason.drain) == .stopped(.drain))
        #expect(WorkerSession.SliceEnd(busy) == .failed("\(busy)"))
        #expect(NodeEnd(gone) == .settled)
        #expect(NodeEnd(ConversationError.lost("")) == .kept)
        #expect(NodeEnd(ConversationError.unsendable("large")) == .handedBack("large"))
    }
}
