import Synchronization
import Messages
import Testing

@testable import WorkerCore

/// Slices and nodes that a worker cannot bring to their end go back.
@Suite(.timeLimit(.minutes(1))) struct WorkerHandBackTests {
    @Test func `an abandoned parked slice is handed back at once`() async throws {
        let run = try await FakeRun()
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.begin(0)
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
        let (control, bulk) = try await run.begin(0)
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
        let (control, _) = try await run.begin(0)
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
        let (control, bulk) = try await run.begin(0)
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
        let (control, bulk) = try await run.begin(0)
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
}
