import Identity
import Messages
import Optimizers
import Testing

@testable import WorkerCore

/// What a worker keeps, and in which order its slices compute: decisions without threads.
@Suite struct ResultBookTests {
    private func key(_ step: Int) -> StepKey {
        StepKey(step: StepNumber(step), version: sha256("version \(step)"))
    }

    @Test func `a result without a sibling here leaves at once`() {
        var book = ResultBook<String>(slices: 4)
        let kept = book.lease(0, of: key(0), stepSamples: 8)
        #expect(kept.isEmpty)
        let nodes = book.deliver(0, of: key(0), "a", isCurrent: true) { "(\($0)+\($1))" }
        #expect(nodes.map(\.payload) == ["a"])
        #expect(book.count == 1)
        book.settle(nodes[0].node, of: key(0))
        #expect(book.count == 0)
    }

    @Test func `siblings leave as their sum, left before right`() {
        var book = ResultBook<String>(slices: 4)
        for slice in [2, 3] { _ = book.lease(slice, of: key(0), stepSamples: 8) }
        let early = book.deliver(3, of: key(0), "d", isCurrent: true) { "(\($0)+\($1))" }
        #expect(early.isEmpty)
        let nodes = book.deliver(2, of: key(0), "c", isCurrent: true) { "(\($0)+\($1))" }
        #expect(nodes.map(\.payload) == ["(c+d)"])
    }

    @Test func `where nothing is summed every result leaves at once, siblings or not`() {
        var book = ResultBook<String>(slices: 4, isSumming: false)
        for slice in [2, 3] { _ = book.lease(slice, of: key(0), stepSamples: 8) }
        let first = book.deliver(3, of: key(0), "d", isCurrent: true) { $0 + $1 }
        #expect(first.map(\.payload) == ["d"] && first[0].node == .leaf(3))
        let second = book.deliver(2, of: key(0), "c", isCurrent: true) { $0 + $1 }
        #expect(second.map(\.payload) == ["c"])
        book.settle(first[0].node, of: key(0))
        book.endLife()
        let offered = book.lease(0, of: key(0), stepSamples: 8)
        #expect(offered.map(\.payload) == ["c"])
    }

    @Test func `what was not delivered in one life is offered in the next one`() {
        var book = ResultBook<String>(slices: 4)
        for slice in 0..<3 { _ = book.lease(slice, of: key(0), stepSamples: 8) }
        _ = book.deliver(0, of: key(0), "a", isCurrent: true) { $0 + $1 }
        book.endLife()
        _ = book.deliver(2, of: key(0), "c", isCurrent: false) { $0 + $1 }
        let offered = book.lease(1, of: key(0), stepSamples: 8)
        #expect(offered.map(\.payload) == ["a", "c"])
        let again = book.lease(2, of: key(0), stepSamples: 8)
        #expect(again.isEmpty)
    }

    @Test func `nothing of one step is offered in another`() {
        var book = ResultBook<String>(slices: 4)
        _ = book.lease(0, of: key(0), stepSamples: 8)
        _ = book.deliver(0, of: key(0), "a", isCurrent: true) { $0 + $1 }
        book.endLife()
        let offered = book.lease(1, of: key(1), stepSamples: 8)
        #expect(offered.isEmpty)
        let late = book.deliver(0, of: key(0), "late", isCurrent: true) { $0 + $1 }
        #expect(late.isEmpty)
        #expect(book.count == 0)
    }

    @Test func `answered slices take their turn before new ones`() {
        var turns = SlotTurns<String>()
        let isFree = turns.take()
        #expect(isFree)
        let isFreeNow = turns.take()
        #expect(!isFreeNow)
        turns.wait("new", isAnswered: false)
        turns.wait("answered", isAnswered: true)
        let first = turns.give()
        #expect(first == "answered")
        let second = turns.give()
        #expect(second == "new")
        let third = turns.give()
        #expect(third == nil)
        let isFreeAgain = turns.take()
        #expect(isFreeAgain)
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
            let waiters = versions.settle(key(step).version, step)
            #expect(waiters == ["waiter \(step)"])
        }
        #expect(versions.count == 2)
        guard case .fetch = versions.ask(key(0).version) else {
            Issue.record("the oldest version is still held")
            return
        }
        let nobody = versions.settle(key(0).version, nil)
        #expect(nobody.isEmpty)
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
