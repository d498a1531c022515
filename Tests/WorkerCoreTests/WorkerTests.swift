import Messages
import Optimizers
import Testing

@testable import WorkerCore

/// A life in which nothing goes wrong: leases, versions, exchanges, nodes.
@Suite(.timeLimit(.minutes(1))) struct WorkerTests {
    @Test func `a slice is parked while another one runs, and siblings go up as one node`()
        async throws
    {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.begin(0)
        let (first, firstAsked) = try await FakeRun.exchange(on: bulk)
        #expect(first.slice == SliceNumber(0))
        #expect(first.digest == digest(of: firstAsked.tensors))

        try await run.give(1, on: control)
        let (second, secondAsked) = try await FakeRun.exchange(on: bulk)
        #expect(second.slice == SliceNumber(1))
        try await FakeRun.answer(second, secondAsked, on: bulk)
        try await FakeRun.answer(first, firstAsked, on: bulk)

        let (offer, offerAsked) = try await FakeRun.offer(on: control)
        #expect(offer.node == SliceRange(0, 2))
        try await control.reply(.verdict(.send), to: offerAsked.id)
        let (node, result) = try await FakeRun.takeNode(on: bulk)
        let (left, right) = (FakeMethod.expected(0), FakeMethod.expected(1))
        #expect(result.digest == SliceResult.sum(left, right).digest)
        #expect(node.leaves.map(\.digest) == [left.digest, right.digest])
        #expect(node.leaves.map(\.isFinite) == [true, true])

        try await control.push(.over(RunOver(reason: .done, detail: "")))
        #expect(await outcome == .done(""))
        #expect(run.method.lines.count { $0.hasPrefix("forward") } == 2)
    }

    @Test func `a version is fetched once for all slots`() async throws {
        let run = try await FakeRun(slots: 2)
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await run.give(2, on: control)
        try await FakeRun.sendVersion(on: bulk)
        let (a, _) = try await FakeRun.exchange(on: bulk)
        let (b, _) = try await FakeRun.exchange(on: bulk)
        #expect(Set([a.slice, b.slice]) == [SliceNumber(0), SliceNumber(2)])
        try await control.push(.over(RunOver(reason: .closing, detail: "bye")))
        #expect(await outcome == .closing("bye"))
    }

    @Test func `views are made while the version travels`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        try await run.give(3, on: control)
        // Only then is the version sent: a worker that waited for it first would wait for ever.
        for await slice in run.method.viewed {
            #expect(slice == 3)
            break
        }
        try await FakeRun.sendVersion(on: bulk)
        #expect(try await FakeRun.exchange(on: bulk).0.slice == SliceNumber(3))
        try await control.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }

    @Test func `a slot computes its next slice while a result waits to be sent`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.begin(0)
        let (first, firstAsked) = try await FakeRun.exchange(on: bulk)
        try await run.give(2, on: control)
        let (second, _) = try await FakeRun.exchange(on: bulk)
        #expect(second.slice == SliceNumber(2))
        try await FakeRun.answer(first, firstAsked, on: bulk)
        // The result of slice 0 is offered and gets no credit; the slot asks and computes on. Its
        // sibling is leased only then: a result waits for a sibling that is computed here.
        var hasOffered = false
        var wish: RequestID?
        while !hasOffered || wish == nil {
            let asked = try await control.next()
            switch asked.request {
            case .offerNode(let offer):
                #expect(offer.node == SliceRange(0, 1))
                hasOffered = true
            case .requestLease: wish = asked.id
            default: throw ScriptError.unexpected(asked.request)
            }
        }
        try await control.reply(.lease(FakeRun.lease(1)), to: #require(wish))
        #expect(try await FakeRun.exchange(on: bulk).0.slice == SliceNumber(1))
        try await control.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }

    @Test func `activations past the budget are not kept`() async throws {
        let run = try await FakeRun(budget: 300)  // one slice of two samples takes 200
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.begin(0)
        _ = try await FakeRun.exchange(on: bulk)
        try await run.give(1, on: control)
        _ = try await FakeRun.exchange(on: bulk)
        #expect(run.method.lines == ["forward 0 true", "forward 1 false"])
        try await control.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }
}
