import Buffers
import Testing
import Transport
import Wire

@Suite struct EchoTests {
    @Test(.timeLimit(.minutes(1)), arguments: Kind.allCases)
    func `messages of every size come back bit for bit`(kind: Kind) async throws {
        let pair = try await Pair(kind)
        defer { pair.close() }
        let sizes = [0, 1, 63, 64, 4095, 4096, 1 << 20, (1 << 20) + 1, 5_000_000, 40 << 20]
        async let echo: Void = {
            for _ in sizes { try await pair.accepted.send(try await pair.accepted.receive()) }
        }()
        for (index, size) in sizes.enumerated() {
            let sent = message(size, requestID: UInt64(index))
            try await pair.dialled.send(sent)
            let received = try await pair.dialled.receive()
            #expect(received.requestID == UInt64(index))
            #expect(received.body.fields == sent.body.fields)
            let tensor = try #require(received.body.tensors.first)
            #expect(bytes(tensor).hasSameBytes(as: bytes(sent.body.tensors[0])))
            #expect(tensor.byteOffset % 64 == 0)
        }
        try await echo
    }

    @Test(.timeLimit(.minutes(1)), arguments: Kind.allCases)
    func `tensors of a message share the one buffer that it was received into`(
        kind: Kind
    ) async throws {
        let pair = try await Pair(kind)
        defer { pair.close() }
        let parts = (0..<5).map { index in
            WireTensor(
                name: "t\(index)", type: .f32, dims: [300, 1000],
                buffer: patterned(1_200_000, seed: UInt64(index)))
        }
        async let sending: Void = pair.dialled.send(
            WireMessage(kind: 1, body: MessageBody(tensors: parts)))
        let received = try await pair.accepted.receive()
        try await sending
        let first = try #require(received.body.tensors.first)
        for (mine, theirs) in zip(parts, received.body.tensors) {
            #expect(theirs.buffer === first.buffer)
            #expect(bytes(mine).hasSameBytes(as: bytes(theirs)))
            #expect(theirs.byteOffset % 64 == 0)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: Kind.allCases)
    func `messages sent at once from many tasks arrive whole`(kind: Kind) async throws {
        let pair = try await Pair(kind)
        defer { pair.close() }
        let count = 40
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                group.addTask {
                    try await pair.dialled.send(
                        message(index * 50_021, requestID: UInt64(index), seed: UInt64(index)))
                }
            }
            var seen: Set<UInt64> = []
            for _ in 0..<count {
                let received = try await pair.accepted.receive()
                let sent = message(
                    Int(received.requestID) * 50_021, seed: received.requestID)
                #expect(
                    bytes(received.body.tensors[0]).hasSameBytes(
                        as: bytes(sent.body.tensors[0])))
                seen.insert(received.requestID)
            }
            #expect(seen.count == count)
            try await group.waitForAll()
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: Kind.allCases)
    func `messages of one task arrive in the order of sending`(kind: Kind) async throws {
        let pair = try await Pair(kind)
        defer { pair.close() }
        async let sending: Void = {
            for index in 0..<500 {
                try await pair.dialled.send(message(index % 7 * 1000, requestID: UInt64(index)))
            }
        }()
        for index in 0..<500 {
            #expect(try await pair.accepted.receive().requestID == UInt64(index))
        }
        try await sending
    }

    @Test(.timeLimit(.minutes(1)))
    func `both sides can send large messages at once`() async throws {
        let pair = try await Pair(.tcp)
        defer { pair.close() }
        async let outward: Void = pair.dialled.send(message(30 << 20))
        async let inward: Void = pair.accepted.send(message(30 << 20))
        async let first = pair.dialled.receive()
        let second = try await pair.accepted.receive()
        #expect(try await first.body.tensors[0].byteCount == 30 << 20)
        #expect(second.body.tensors[0].byteCount == 30 << 20)
        try await outward
        try await inward
    }
}
