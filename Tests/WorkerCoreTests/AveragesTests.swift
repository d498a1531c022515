import Identity
import Messages
import Methods
import Optimizers
import Synchronization
import Tensors
import Testing
import Wire

@testable import WorkerCore

/// Averages of a version: derived by whoever has the version of the step before, and fetched
/// otherwise.
@Suite(.timeLimit(.minutes(1))) struct AveragesTests {
    private static let rule = ParameterAverages(momentum: 0.75)

    /// Answers a wish with slice 0 of a step whose version has these averages.
    private func give(
        step: Int, _ averages: Tensor, to wish: RequestID, on control: FakePeer
    ) async throws {
        let task = SliceTask(
            step: StepNumber(step), slice: SliceNumber(0), dataEpoch: 0, stepSamples: 8,
            samples: [0, 1])
        let lease = Lease(
            task: task, version: digest(of: UInt8(step)),
            averages: VersionTensors.digest(ofAverages: averages, threads: 1), seed: 1, hints: [])
        try await control.reply(.lease(lease), to: wish)
    }

    /// The first wish for a lease.
    private func wish(_ control: FakePeer) async throws -> RequestID {
        let asked = try await control.next()
        guard case .requestLease = asked.request else {
            throw ScriptError.unexpected(asked.request)
        }
        return asked.id
    }

    /// Answers the slice's exchange and wants none of its node; returns the next wish, which may
    /// come before the offer.
    private func finish(_ control: FakePeer, _ bulk: FakePeer) async throws -> RequestID {
        let (exchange, asked) = try await FakeRun.exchange(on: bulk)
        try await FakeRun.answer(exchange, asked, on: bulk)
        var (next, hasOffered): (RequestID?, Bool) = (nil, false)
        while true {
            if let next, hasOffered { return next }
            let asked = try await control.next()
            switch asked.request {
            case .requestLease: next = asked.id
            case .offerNode:
                try await control.reply(.verdict(.drop), to: asked.id)
                hasOffered = true
            default: throw ScriptError.unexpected(asked.request)
            }
        }
    }

    private func wire(_ averages: Tensor) -> [WireTensor] {
        [WireTensor(name: "averages", tensor: averages)]
    }

    @Test func `averages are fetched at first, then derived, and fetched where they do not follow`()
        async throws
    {
        let run = try await FakeRun(averages: Self.rule)
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()

        let first = Tensor([3, 4], shape: [2])
        try await give(step: 5, first, to: try await wish(control), on: control)
        try await FakeRun.sendVersion(on: bulk)
        let name = try await FakeRun.send(on: bulk, wire(first))
        #expect(name.step == StepNumber(5))
        #expect(name.digest == VersionTensors.digest(ofAverages: first, threads: 1))
        var next = try await finish(control, bulk)

        // They follow: after the version the exchange comes, and no fetch.
        let second = Self.rule.following(first, Tensor([7, 8], shape: [2]))
        #expect(second.values == [4, 5])
        try await give(step: 6, second, to: next, on: control)
        try await FakeRun.sendVersion(on: bulk, parameters: [7, 8])
        next = try await finish(control, bulk)

        // A step was passed over, say: nothing has moved.
        try await give(step: 7, second, to: next, on: control)
        try await FakeRun.sendVersion(on: bulk, parameters: [7, 8])
        _ = try await FakeRun.send(on: bulk, wire(second))
        _ = try await finish(control, bulk)
        #expect(run.method.seen.withLock { $0 } == [[3, 4], [4, 5], [4, 5]])

        try await control.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }

    @Test func `a cache gives what follows from the step before, and nothing else`() async throws {
        let cache = VersionCache()
        func version(_ step: Int) async throws -> [Float]? {
            let name = FetchVersion(step: StepNumber(step), digest: digest(of: UInt8(step)))
            let made = try await cache.version(name) { _, before in
                // The version itself is known by its step; what it is made from is looked at.
                VersionTensors(
                    parameters: Tensor([Float(step)], shape: [1]),
                    buffers: before?.parameters ?? Tensor([-1], shape: [1]))
            }
            return made.buffers.values
        }
        #expect(try await version(5) == [-1])
        #expect(try await version(6) == [5])
        #expect(try await version(8) == [-1], "7 is missing")
        #expect(try await version(9) == [8])
        // A late slice of an earlier step leaves the newest where it is.
        #expect(try await version(4) == [-1])
        #expect(try await version(10) == [9])
    }

    @Test func `averages that do not have the lease's digest are refused`() async throws {
        let run = try await FakeRun(averages: Self.rule)
        async let outcome = run.worker.run()
        let (control, bulk) = try await run.admit()
        let first = Tensor([3, 4], shape: [2])
        try await give(step: 5, first, to: try await wish(control), on: control)
        try await FakeRun.sendVersion(on: bulk)
        _ = try await FakeRun.send(on: bulk, wire(Tensor([3, 5], shape: [2])))
        // The slice comes back with a reason instead of a number made from them.
        while true {
            let asked = try await control.next()
            guard case .returnLease(let lease) = asked.request else { continue }
            #expect(lease.reason == .failed && lease.detail.contains("averages"))
            try await control.reply(.accepted, to: asked.id)
            break
        }
        #expect(run.method.seen.withLock { $0 } == [])
        try await control.push(.over(RunOver(reason: .done, detail: "")))
        _ = await outcome
    }
}
