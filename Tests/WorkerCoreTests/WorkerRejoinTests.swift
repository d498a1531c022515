import Messages
import Optimizers
import Testing
import Transport

@testable import WorkerCore

/// What outlasts a life, and what ends a worker.
@Suite(.timeLimit(.minutes(1))) struct WorkerRejoinTests {
    @Test func `after a cut the worker rejoins and offers what was not delivered`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.begin(0)
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

    /// The worker computes slice 0, offers its result and is cut off.
    private static func cutOff(_ run: FakeRun) async throws {
        let (control, bulk) = try await run.begin(0)
        let (exchange, asked) = try await FakeRun.exchange(on: bulk)
        try await FakeRun.answer(exchange, asked, on: bulk)
        _ = try await FakeRun.offer(on: control)
        control.close()
    }

    @Test func `a slice whose result is kept is offered and not computed again`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        try await Self.cutOff(run)

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
        try await Self.cutOff(run)

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
