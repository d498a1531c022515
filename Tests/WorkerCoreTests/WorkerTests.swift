import Identity
import Messages
import Optimizers
import Synchronization
import Tensors
import Testing
import Transport
import Wire

@testable import WorkerCore

@Suite(.timeLimit(.minutes(1))) struct WorkerTests {
    @Test func `a slice is parked while another one runs, and siblings go up as one node`()
        async throws
    {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await FakeRun.sendVersion(on: bulk)
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
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await FakeRun.sendVersion(on: bulk)
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
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await FakeRun.sendVersion(on: bulk)
        _ = try await FakeRun.exchange(on: bulk)
        try await run.give(1, on: control)
        _ = try await FakeRun.exchange(on: bulk)
        #expect(run.method.lines == ["forward 0 true", "forward 1 false"])
        try await control.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }

    @Test func `an abandoned parked slice is handed back at once`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await FakeRun.sendVersion(on: bulk)
        _ = try await FakeRun.exchange(on: bulk)
        let idle = try await control.next()
        #expect(idle.request == .requestLease(RequestLease(slot: 0)))
        try await control.push(.abandon(StepNumber(5), SliceNumber(0)))
        let back = try await control.next()
        guard case .returnLease(let lease) = back.request else {
            throw ScriptError.unexpected(back.request)
        }
        #expect(lease.slice == SliceNumber(0))
        #expect(lease.reason == .abandoned)
        try await control.reply(.accepted, to: back.id)
        // The slot goes on: the lease that it asked for is computed.
        try await control.reply(.lease(FakeRun.lease(3)), to: idle.id)
        let (next, _) = try await FakeRun.exchange(on: bulk)
        #expect(next.slice == SliceNumber(3))
        try await control.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }

    @Test func `a drain hands parked slices back and says goodbye`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await FakeRun.sendVersion(on: bulk)
        _ = try await FakeRun.exchange(on: bulk)
        _ = try await control.next()  // the slot asks for another lease
        run.worker.stop()
        let back = try await control.next()
        guard case .returnLease(let lease) = back.request else {
            throw ScriptError.unexpected(back.request)
        }
        #expect(lease.reason == .drain)
        try await control.reply(.accepted, to: back.id)
        let goodbye = try await control.next()
        guard case .goodbye = goodbye.request else { throw ScriptError.unexpected(goodbye.request) }
        try await control.reply(.accepted, to: goodbye.id)
        #expect(await outcome == .drained)
    }

    @Test func `a slice that fails is handed back with its error`() async throws {
        let run = try await FakeRun()
        run.method.failing.withLock { _ = $0.insert(0) }
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await FakeRun.sendVersion(on: bulk)
        let back = try await control.next()
        guard case .returnLease(let lease) = back.request else {
            throw ScriptError.unexpected(back.request)
        }
        #expect(lease.reason == .failed)
        #expect(lease.detail.contains("Broken"))
        try await control.push(.over(RunOver(reason: .failed, detail: "no use")))
        #expect(await outcome == .runFailed("no use"))
    }

    /// The next request on `control` that is no request for a lease, as a hand-back.
    private func handedBack(on control: FakePeer) async throws -> ReturnLease {
        while true {
            let asked = try await control.next()
            if case .requestLease = asked.request { continue }
            guard case .returnLease(let lease) = asked.request else {
                throw ScriptError.unexpected(asked.request)
            }
            try await control.reply(.accepted, to: asked.id)
            return lease
        }
    }

    @Test func `a slice whose input is refused is handed back as failed`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await FakeRun.sendVersion(on: bulk)
        let (_, asked) = try await FakeRun.exchange(on: bulk)
        try await bulk.reply(.refused(Refusal(.badValue, "z is not finite")), to: asked.id)
        let lease = try await handedBack(on: control)
        #expect(lease.reason == .failed)
        #expect(lease.detail.contains("z is not finite"))
        try await control.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }

    @Test func `a node that cannot be delivered is handed back slice by slice`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await FakeRun.sendVersion(on: bulk)
        let (exchange, asked) = try await FakeRun.exchange(on: bulk)
        try await FakeRun.answer(exchange, asked, on: bulk)
        let (_, offerAsked) = try await FakeRun.offer(on: control)
        try await control.reply(.refused(Refusal(.tooMany, "32 wait")), to: offerAsked.id)
        let lease = try await handedBack(on: control)
        #expect(lease.slice == SliceNumber(0))
        #expect(lease.reason == .failed)
        #expect(lease.detail.contains("32 wait"))
        try await control.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }

    @Test func `a lease with another seed than the run file's is handed back`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, _) = try await run.admit()
        try await run.give(0, on: control, seed: 2)
        let lease = try await handedBack(on: control)
        #expect(lease.reason == .failed)
        #expect(lease.detail.contains("seed 2, the run file says 1"))
        try await control.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }

    @Test func `after a cut the worker rejoins and offers what was not delivered`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await FakeRun.sendVersion(on: bulk)
        let (exchange, asked) = try await FakeRun.exchange(on: bulk)
        try await FakeRun.answer(exchange, asked, on: bulk)
        let (offer, _) = try await FakeRun.offer(on: control)
        #expect(offer.node == SliceRange(0, 1))
        bulk.close()  // one connection dies: the worker closes the other one too

        let (again, bulkAgain) = try await run.admit()
        try await run.give(1, on: again)
        let (kept, keptAsked) = try await FakeRun.offer(on: again)
        #expect(kept.node == SliceRange(0, 1))
        try await again.reply(.verdict(.send), to: keptAsked.id)
        // The node and the next slice's exchange come in any order; no fetch comes, since the
        // version is still here.
        var seen: [String] = []
        while seen.count < 2 {
            let asked = try await bulkAgain.next()
            switch asked.request {
            case .deliverNode(let node):
                #expect(node.leaves.map(\.slice) == [SliceNumber(0)])
                #expect(digest(of: asked.tensors) == FakeMethod.expected(0).digest)
                try await bulkAgain.reply(.accepted, to: asked.id)
                seen.append("node")
            case .exchange(let exchange):
                #expect(exchange.slice == SliceNumber(1))
                seen.append("exchange")
            default: throw ScriptError.unexpected(asked.request)
            }
        }
        #expect(Set(seen) == ["node", "exchange"])
        try await again.push(.over(RunOver(reason: .done, detail: "")))
        #expect(await outcome == .done(""))
    }

    @Test func `a slice whose result is kept is offered and not computed again`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await FakeRun.sendVersion(on: bulk)
        let (exchange, asked) = try await FakeRun.exchange(on: bulk)
        try await FakeRun.answer(exchange, asked, on: bulk)
        _ = try await FakeRun.offer(on: control)
        control.close()

        let (again, _) = try await run.admit()
        try await run.give(0, on: again)
        // The offer waits for its verdict, and the slot asks for other work meanwhile.
        var (hasOffered, hasAsked) = (false, false)
        while !hasOffered || !hasAsked {
            let asked = try await again.next()
            switch asked.request {
            case .offerNode: hasOffered = true
            case .requestLease: hasAsked = true
            default: throw ScriptError.unexpected(asked.request)
            }
        }
        #expect(run.method.lines.count { $0.hasPrefix("forward 0") } == 1)
        try await again.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }

    @Test func `results of another version are dropped`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        try await run.give(0, on: control)
        try await FakeRun.sendVersion(on: bulk)
        let (exchange, asked) = try await FakeRun.exchange(on: bulk)
        try await FakeRun.answer(exchange, asked, on: bulk)
        _ = try await FakeRun.offer(on: control)
        control.close()

        let (again, bulkAgain) = try await run.admit()
        try await run.give(0, on: again, version: digest(of: 99))
        try await FakeRun.sendVersion(on: bulkAgain)
        let (next, _) = try await FakeRun.exchange(on: bulkAgain)
        #expect(next.slice == SliceNumber(0))
        try await again.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }

    @Test func `a coordinator that answers no heartbeat is given up`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, _) = try await run.admit()
        control.beDeaf()
        let (again, _) = try await run.admit()  // after three seconds
        #expect(control.heartbeats > 10)
        try await again.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }

    @Test(arguments: [ErrorCode.fingerprintDiffers, .configDiffers, .dataDiffers])
    func `a refusal that cannot pass ends the worker with exit code 2`(
        code: ErrorCode
    )
        async throws
    {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let control = try await run.accept()
        let greet = try await control.next()
        try await control.reply(.refused(Refusal(code, "here")), to: greet.id)
        #expect(await outcome == .refused(Refusal(code, "here")))
        #expect(await outcome.exitCode == 2)
        #expect(await outcome.sentence.contains(code.remedy))
    }

    @Test func `options that cannot work are named`() async throws {
        let network = InMemoryNetwork()
        let run = try await FakeRun()
        let outcome = await runWorker(
            WorkerOptions(url: FakeRun.url, name: "a b"), network: network,
            logger: run.worker.logger, preparation: FakePreparation(method: run.method))
        #expect(outcome.exitCode == 2)
        #expect(outcome.sentence.contains("a b"))
    }
}
