import Testing
import Transport
import Wire

/// The faults of the in-memory twin, met by the framing code that also runs over sockets.
@Suite struct FaultTests {
    private func pair(
        _ limits: ConnectionLimits = .open, _ change: @escaping @Sendable (inout LinkPlan) -> Void
    ) async throws -> Pair {
        let network = InMemoryNetwork(limits: limits) { _ in
            var plan = LinkPlan()
            change(&plan)
            return plan
        }
        return try await Pair(network, "memory://test:0")
    }

    @Test(.timeLimit(.minutes(1)))
    func `a link cut at any byte of a frame ends both sides`() async throws {
        let sent = message(100)
        let length = FrameCodec.encode(sent)[0].count
        for cut in 0...length {
            let pair = try await pair { $0.outbound.cutAfter = cut }
            let sending = Task { try await pair.dialled.send(sent) }
            if cut == length {
                #expect(try await pair.accepted.receive().kind == 7)
            }
            let error = await transportError { _ = try await pair.accepted.receive() }
            let isMidMessage = cut > 0 && cut < length
            #expect(
                error == .closedByPeer(peer: pair.accepted.peer, midMessage: isMidMessage))
            _ = await sending.result
            _ = await transportError { _ = try await pair.dialled.receive() }
            pair.close()
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a half-open link is silent until the stall limit`() async throws {
        let limits = ConnectionLimits(stallLimit: .milliseconds(100))
        let pair = try await pair(limits) { $0.outbound.isHalfOpen = true }
        defer { pair.close() }
        let error = await transportError { try await pair.dialled.send(message(1 << 20)) }
        #expect(error == .peerStalled(peer: pair.dialled.peer, after: .milliseconds(100)))
    }

    @Test(.timeLimit(.minutes(1)))
    func `swallowed bytes are accepted and never arrive`() async throws {
        let limits = ConnectionLimits(
            stallLimit: .milliseconds(100), maxFirstBodyBytes: 1 << 30)
        let pair = try await pair(limits) { $0.outbound.swallowAfter = 500_000 }
        defer { pair.close() }
        try await pair.dialled.send(message(100_000, requestID: 1))
        #expect(try await pair.accepted.receive().requestID == 1)
        async let sending: Void = pair.dialled.send(message(8 << 20, requestID: 2))
        let error = await transportError { _ = try await pair.accepted.receive() }
        #expect(error == .peerStalled(peer: pair.accepted.peer, after: .milliseconds(100)))
        // Whether all was accepted before the reader gave up is a matter of time.
        try? await sending
    }

    @Test(.timeLimit(.minutes(1)))
    func `one byte at a time is slow and right`() async throws {
        let network = InMemoryNetwork(limits: .open) { _ in
            var plan = LinkPlan()
            plan.outbound.bytesPerRead = 1
            plan.outbound.capacity = 7
            return plan
        }
        let pair = try await Pair(network, "memory://test:0")
        defer { pair.close() }
        network.links[0].setOutbound { faults in
            faults.beforeRead = { await Task.yield() }
        }
        let sent = message(300)
        async let sending: Void = pair.dialled.send(sent)
        let received = try await pair.accepted.receive()
        try await sending
        #expect(bytes(received.body.tensors[0]).hasSameBytes(as: bytes(sent.body.tensors[0])))
    }

    @Test(.timeLimit(.minutes(1)))
    func `a link can be cut and muted while it is in use`() async throws {
        let network = InMemoryNetwork(limits: .open)
        let pair = try await Pair(network, "memory://test:0")
        defer { pair.close() }
        try await pair.dialled.send(message(10))
        _ = try await pair.accepted.receive()
        let link = network.links[0]
        #expect(link.acceptedBytes.outbound > 74)
        link.setOutbound { $0.isHalfOpen = true }
        try await pair.dialled.send(message(10, requestID: 5))
        link.setOutbound { $0.isHalfOpen = false }
        #expect(try await pair.accepted.receive().requestID == 5)
        link.cut()
        let error = await transportError { _ = try await pair.accepted.receive() }
        #expect(error == .closedByPeer(peer: pair.accepted.peer, midMessage: false))
    }
}
