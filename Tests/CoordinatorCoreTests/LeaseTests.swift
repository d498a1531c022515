import CoordinatorCore
import Identity
import Messages
import Testing

/// Design, section 2.2 and the two paragraphs after section 2.7.
@Suite struct LeaseTests {
    @Test func `a lease names step, version, slice, samples, seed and divisor`() throws {
        var bench = Bench()
        let worker = bench.join("a")
        let lease = try #require(
            bench.ask(worker, .requestLease(RequestLease(slot: 0))).leases.first)
        #expect(lease.task == tasks(step: 0, slices: 4)[0])
        #expect(lease.version == versionDigest(0))
        #expect(lease.seed == 42)
    }

    @Test func `a lease hints at the slice of the same number in the next step`() throws {
        var bench = Bench()
        let worker = bench.join("a")
        let lease = try #require(
            bench.ask(worker, .requestLease(RequestLease(slot: 0))).leases.first)
        #expect(lease.hints == [tasks(step: 1, slices: 4)[0]])
    }

    @Test func `the last step hints at nothing`() throws {
        var bench = Bench(benchSettings(steps: 1))
        let worker = bench.join("a")
        let lease = try #require(
            bench.ask(worker, .requestLease(RequestLease(slot: 0))).leases.first)
        #expect(lease.hints.isEmpty)
    }

    @Test func `siblings are leased to one worker where possible`() {
        var bench = Bench(benchSettings(slices: 8))
        let a = bench.join("a")
        let b = bench.join("b")
        let order = [
            bench.lease(a), bench.lease(b), bench.lease(a), bench.lease(b), bench.lease(b),
            bench.lease(a), bench.lease(b), bench.lease(a),
        ]
        #expect(order == [0, 4, 1, 5, 6, 2, 7, 3])
    }

    @Test func `a worker gets the slices of the step before again`() {
        var bench = Bench(benchSettings(slices: 4, rounds: 0))
        let a = bench.join("a")
        let b = bench.join("b")
        #expect([bench.lease(a), bench.lease(b), bench.lease(a), bench.lease(b)] == [0, 2, 1, 3])
        for slice in 0..<4 { bench.complete(slice < 2 ? a : b, step: 0, slice: slice) }
        #expect([bench.lease(b), bench.lease(a)] == [2, 0])
    }

    @Test func `requests made before the run is prepared are answered when there is work`() {
        var bench = Bench(prepared: false)
        let worker = bench.join("a")
        #expect(bench.lease(worker) == nil)
        let effects = bench.give(.prepared(committed: StepNumber(0), recorded: StepNumber(0)))
        #expect(effects.leases.map(\.task.slice.index) == [0])
    }

    @Test func `requests that find nothing wait for the next step, in order`() {
        var bench = Bench(benchSettings(slices: 1, rounds: 0))
        let a = bench.join("a")
        let b = bench.join("b")
        #expect(bench.lease(a) == 0)
        #expect(bench.lease(b) == nil)
        #expect(bench.lease(a) == nil)
        let effects = bench.complete(a, step: 0, slice: 0)
        let asked = effects.compactMap {
            if case .reply(let id, _, .lease) = $0 { id } else { nil }
        }
        #expect(asked == [b.control])
    }

    @Test func `empty slices are not leased`() {
        var bench = Bench(benchSettings(rounds: 0), prepared: false)
        bench.empty = [1, 2]
        bench.give(.prepared(committed: StepNumber(0), recorded: StepNumber(0)))
        let worker = bench.join("a")
        #expect([bench.lease(worker), bench.lease(worker), bench.lease(worker)] == [0, 3, nil])
    }

    @Test func `a closed connection frees its leases at once`() {
        var bench = Bench(benchSettings(slices: 1))
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        #expect(bench.lease(b) == nil)
        #expect(bench.give(.closed(a.control)).leases.map(\.task.slice.index) == [0])
    }

    @Test func `the first result counts and the other holder is told to abandon`() {
        var bench = Bench(benchSettings(slices: 2, rounds: 0))
        let a = bench.join("a")
        let b = bench.join("b")
        #expect(bench.lease(a) == 0)
        #expect(bench.lease(b) == 1)
        bench.wait(4, beating: [a, b])
        #expect(bench.lease(b) == 0)
        let effects = bench.complete(b, step: 0, slice: 0)
        #expect(effects.pushes == [.abandon(StepNumber(0), SliceNumber(0))])
        #expect(bench.offer(a, step: 0, 0..<1).verdicts == [.drop])
    }

    @Test func `drained slices go to others at once`() {
        var bench = Bench(benchSettings(slices: 1))
        let a = bench.join("a")
        let b = bench.join("b")
        _ = bench.lease(a)
        _ = bench.lease(b)
        let back = ReturnLease(
            step: StepNumber(0), slice: SliceNumber(0), reason: .drain, detail: "")
        let effects = bench.ask(a, .returnLease(back))
        #expect(effects.leases.count == 1)
        #expect(effects.replies.contains(.accepted))
    }

    @Test func `a slice that fails on one worker goes to another`() {
        var bench = Bench(benchSettings(slices: 2))
        let a = bench.join("a")
        _ = bench.join("b")
        #expect(bench.lease(a) == 0)
        bench.ask(a, failed(0))
        #expect(bench.lease(a) == 1)
        #expect(bench.lease(a) == nil)
    }

    @Test func `a slice that fails on all workers is tried again`() {
        var bench = Bench(benchSettings(slices: 1))
        let a = bench.join("a")
        #expect(bench.lease(a) == 0)
        bench.ask(a, failed(0))
        #expect(bench.lease(a) == 0)
    }

    @Test func `a slice is not left for ever to a worker that lives and takes no leases`() {
        var bench = Bench(benchSettings(slices: 1))
        let a = bench.join("a")
        let b = bench.join("b")
        #expect(bench.lease(a) == 0)
        bench.ask(a, failed(0))
        #expect(bench.lease(a) == nil)
        #expect(bench.wait(120, beating: [a, b]).leases.isEmpty)
        #expect(bench.wait(31, beating: [a, b]).leases.count == 1)
    }

    @Test func `a slice that returned an error three times pauses the run and says so`() {
        var bench = Bench(benchSettings(slices: 2))
        let a = bench.join("a")
        for _ in 0..<3 {
            #expect(bench.lease(a) == 0)
            bench.ask(a, failed(0))
        }
        let status = bench.machine.status(at: bench.now)
        #expect(status.state == .paused)
        #expect(status.detail.contains("slice 0 of step 0 failed on worker a, 3 of 3 times: bad"))
        #expect(bench.lease(a) == nil)
    }

    @Test func `deaths do not count as errors but show`() {
        var bench = Bench(benchSettings(slices: 1))
        for process in 0..<5 {
            let worker = bench.join("a", process: UInt32(process))
            #expect(bench.lease(worker) == 0)
            bench.give(.closed(worker.control))
        }
        let status = bench.machine.status(at: bench.now)
        #expect(status.state == .running)
        #expect(status.waiting.contains { $0.what.contains("lost 5 times with its worker") })
    }

    @Test func `a late return has no effect`() {
        var bench = Bench(benchSettings(rounds: 0))
        let a = bench.join("a")
        bench.makeStep(a, 0)
        #expect(bench.lease(a) == 0)
        #expect(bench.ask(a, failed(0)).replies == [.accepted])
        #expect(bench.machine.status(at: bench.now).workers[0].slices == [0])
    }

    private func failed(_ step: Int) -> Request {
        .returnLease(
            ReturnLease(
                step: StepNumber(step), slice: SliceNumber(0), reason: .failed, detail: "bad"))
    }

    @Test func `the open step's version is sent, any other is gone`() {
        var bench = Bench()
        let a = bench.join("a")
        let now = FetchVersion(step: StepNumber(0), digest: versionDigest(0))
        let effects = bench.ask(a, .fetchVersion(now), onBulk: true)
        #expect(
            effects.contains { if case .sendVersion(a.bulk, _, now) = $0 { true } else { false } })
        let other = FetchVersion(step: StepNumber(1), digest: versionDigest(1))
        #expect(bench.ask(a, .fetchVersion(other)).refusal == .versionGone)
        let wrong = FetchVersion(step: StepNumber(0), digest: versionDigest(1))
        #expect(bench.ask(a, .fetchVersion(wrong)).refusal == .versionGone)
    }

    @Test func `averages are leased and fetched by their digest, where there are any`() {
        var bench = Bench(averages: sha256("averages"))
        let a = bench.join("a")
        let lease = bench.ask(a, .requestLease(RequestLease(slot: 0))).leases.first
        #expect(lease?.averages == bench.averages && lease?.version == versionDigest(0))
        let wanted = FetchVersion(step: StepNumber(0), digest: bench.averages)
        let effects = bench.ask(a, .fetchVersion(wanted), onBulk: true)
        #expect(
            effects.contains {
                if case .sendVersion(a.bulk, _, wanted) = $0 { true } else { false }
            })
        // Zero is the name of none.
        var plain = Bench()
        let b = plain.join("b")
        let none = FetchVersion(step: StepNumber(0), digest: .zero)
        #expect(plain.ask(b, .fetchVersion(none)).refusal == .versionGone)
    }
}
