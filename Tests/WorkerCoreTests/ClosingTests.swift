import Buffers
import Foundation
import Identity
import Messages
import Testing
import Transport
import Wire

@testable import Drill
@testable import WorkerCore

/// Conversations that end while requests are on their way: every wait ends, and nothing is left.
///
/// Each test runs in a process of its own: nobody else's descriptors and memory are counted. They
/// keep all cores busy, so `deploy/test` runs them by themselves.
@Suite(.serialized) struct ClosingTests {
    @Test(.timeLimit(.minutes(60)))
    func `conversations that end with requests in flight leave nothing behind`() async throws {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) {
            try await Closings(scheme: "tcp").run()
        }
        print(String(decoding: result?.standardOutputContent ?? [], as: UTF8.self))
    }

    @Test(.timeLimit(.minutes(60)))
    func `the same under TLS`() async throws {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent]
        ) {
            try await Closings(scheme: "tls+tcp").run()
        }
        print(String(decoding: result?.standardOutputContent ?? [], as: UTF8.self))
    }
}

/// How a conversation comes to its end.
private enum Ending: Int, CaseIterable {
    /// Its own side gives it up.
    case lose
    /// One of its connections is closed on this side.
    case closeControl, closeBulk
    /// The other side closes a connection in the middle of what it sends.
    case closedByPeer
    /// Those who wait are cancelled.
    case cancel
    /// Those who receive are cancelled.
    case cancelReceiving
    /// The network cuts both connections, at whatever byte.
    case cut
    /// The network stands still, half-open, until this side gives up.
    case stall

    var needsRelay: Bool { self == .cut || self == .stall }
}

/// Many conversations with a listener that answers some requests and lets others wait.
private struct Closings {
    /// How many; `PLEIAD_CLOSINGS` may ask for 10,000.
    private static let count =
        ProcessInfo.processInfo.environment["PLEIAD_CLOSINGS"].flatMap { Int($0) } ?? 200
    /// Those that are made before anything is counted: threads, pools and caches are made once.
    private static let countBefore = max(80, count / 20)
    /// How long a heartbeat's reply may take, on a busy machine under a sanitizer.
    private static let replyLimit = Duration.seconds(5)
    /// Conversations at a time.
    private static let lanes = 4

    let scheme: String
    private let server: NNGNetwork
    private let worker: NNGNetwork
    private let whereabouts = Whereabouts()
    /// Connections that the listener answers.
    private let served = Served()

    init(scheme: String) throws {
        self.scheme = scheme
        let now = Int(Date.now.timeIntervalSince1970)
        let validity = Validity(from: now - 60, until: now + 86_400)
        let authority = try CertifiedKey.make(
            name: "authority", use: .authority, validity: validity)
        func network(_ use: CertificateUse) throws -> NNGNetwork {
            let key = try CertifiedKey.make(
                name: "peer", use: use, validity: validity, issuer: authority)
            return NNGNetwork(
                limits: ConnectionLimits(maxFirstBodyBytes: 1 << 30),
                identity: TLSIdentity(
                    authority: authority.certificate, certificate: key.certificate,
                    privateKey: key.privateKey, listenerName: coordinatorHostName))
        }
        server = try network(.coordinator)
        worker = try network(.peer)
    }

    /// Makes all of them, counts, and prints what was counted.
    func run() async throws {
        let listener = try await server.listen("\(scheme)://127.0.0.1:0")
        let watching = Task { try await whereabouts.watch() }
        let closing = Task { await served.watch() }
        defer {
            watching.cancel()
            closing.cancel()
        }
        let serving = Task { await serve(listener) }
        let relays = try (0..<Self.lanes).map { _ in try Relay() }
        let port = try #require(listener.url.split(separator: ":").last.flatMap { UInt16($0) })
        for relay in relays { relay.lead(to: port) }
        try await converse(Self.countBefore, listener.url, relays)
        let descriptors = try await settledDescriptors(atMost: 0)
        let resident = try await settledBytes()
        try await converse(Self.count, listener.url, relays)
        let descriptorsAfter = try await settledDescriptors(atMost: descriptors)
        let growth = try await settledBytes() - resident
        for relay in relays { relay.close() }
        listener.close()
        await serving.value
        print(
            "\(Self.count) conversations over \(scheme) ended with requests in flight: "
                + "\(descriptors) descriptors before, \(descriptorsAfter) after, "
                + "\(growth >> 10) KiB more memory")
        #expect(descriptorsAfter <= descriptors)
        #expect(growth < Self.growthBytesMax)
    }

    /// A conversation that stays would hold 100 KB and more.
    ///
    /// Some of what allocators, threads and caches keep grows with their number, ever more slowly:
    /// 18 KB each after 200 conversations over TLS, 9 KB after 3,000. Sanitizers have memory of
    /// their own beside each allocation.
    private static var growthBytesMax: Int {
        let environment = ProcessInfo.processInfo.environment
        let isChecked = ["ASAN_OPTIONS", "TSAN_OPTIONS"].contains { environment[$0] != nil }
        return (isChecked ? 160 << 20 : 8 << 20) + 10_000 * count
    }

    private func converse(_ count: Int, _ url: String, _ relays: [Relay]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (lane, relay) in relays.enumerated() {
                group.addTask {
                    for index in stride(from: lane, to: count, by: relays.count) {
                        let ending = Ending.allCases[index / relays.count % Ending.allCases.count]
                        let place =
                            ending.needsRelay
                            ? "\(scheme)://\(relay.place)" : url
                        try await converse(place, ending, index, relay) { step in
                            whereabouts.note(lane, "conversation \(index), \(ending): \(step)")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// One conversation to its end.
    private func converse(
        _ url: String, _ ending: Ending, _ index: Int, _ relay: Relay,
        _ note: (String) -> Void
    ) async throws {
        note("it dials")
        let control = try await worker.dial(url, timeout: .seconds(30))
        let bulk = try await worker.dial(url, timeout: .seconds(30))
        let conversation = Conversation(control: control) { _ in }
        await conversation.use(bulk: bulk)
        let receiving = [Conversation.Lane.control, .bulk].map { lane in
            Task { await conversation.receive(from: lane) }
        }
        let beating = Task { await beat(conversation) }
        defer { beating.cancel() }
        note("it asks for the status")
        // Both lanes are up, and under TLS have agreed on keys.
        _ = try await conversation.ask(.status)
        _ = try await conversation.ask(.status, over: .bulk)
        let asking = requests(index).map { request, tensors, lane in
            Task { _ = try await conversation.ask(request, tensors: tensors, over: lane) }
        }
        // So that the end meets the requests at another place each time.
        for _ in 0..<(index * 7 % 23) { await Task.yield() }
        note("it ends")
        switch ending {
        case .lose: await conversation.lose("the test ends it")
        case .closeControl: control.close()
        case .closeBulk: bulk.close()
        case .closedByPeer: _ = try? await conversation.ask(.goodbye(Goodbye(detail: "")))
        case .cancel: for task in asking { task.cancel() }
        case .cancelReceiving: for task in receiving { task.cancel() }
        case .cut: relay.cut()
        case .stall:
            relay.stall(true)
            await conversation.lose("the test ends it")
        }
        // Every wait ends: with an error, or with the reply where there was one.
        for (place, task) in asking.enumerated() {
            note("request \(place) waits")
            _ = await task.result
        }
        note("its end is told")
        await conversation.lose("the end")
        for (place, task) in receiving.enumerated() {
            note("receiver \(place) waits")
            await task.value
        }
        if ending == .stall {
            relay.stall(false)
            relay.cut()
        }
    }

    /// What a worker's heartbeat and tick do: under TLS nng may not tell of a connection that has
    /// broken, and then a reply that does not come is what ends the conversation.
    private func beat(_ conversation: Conversation) async {
        let heartbeats = Task {
            while true {
                _ = try await conversation.ask(.status, within: Self.replyLimit)
                try await Task.sleep(for: .seconds(1))
            }
        }
        while !Task.isCancelled {
            await conversation.expire(at: .now)
            try? await Task.sleep(for: .milliseconds(100))  // ends when it is cancelled
        }
        heartbeats.cancel()
    }

    /// What is on its way when the end comes: waits without an answer, and large tensors both ways.
    private func requests(_ index: Int) -> [(Request, [WireTensor], Conversation.Lane)] {
        let step = StepNumber(index)
        let tensor = WireTensor(
            name: "gradient", type: .f32, dims: [index * 37 % 65_536 + 1],
            buffer: AlignedBuffer(byteCount: 4 * 65_536))
        let version = Request.fetchVersion(FetchVersion(step: step, digest: .zero))
        let node = Request.exchange(
            Exchange(step: step, slice: SliceNumber(0), round: 0, digest: .zero))
        return [
            (.requestLease(RequestLease(slot: 0)), [], .control), (version, [], .bulk),
            (node, [tensor], .bulk), (.requestLease(RequestLease(slot: 1)), [], .control),
            (version, [], .bulk), (node, [tensor], .bulk),
        ]
    }

    /// The other side: answers questions and fetches, leaves leases and exchanges waiting.
    private func serve(_ listener: any Listener) async {
        await withDiscardingTaskGroup { group in
            while let connection = try? await listener.accept() {  // ends when it is closed
                group.addTask {
                    await served.serve(connection) {
                        try? await answer(connection)  // every peer of this test leaves
                    }
                }
            }
        }
    }

    private func answer(_ connection: any Connection) async throws {
        let incarnation = Incarnation(epoch: 1, counter: 1)
        let tensors = [
            WireTensor(
                name: "p", type: .f32, dims: [65_536], buffer: AlignedBuffer(byteCount: 4 * 65_536))
        ]
        while true {
            let message = try await connection.receive()
            let id = RequestID(rawValue: message.requestID)
            switch try Request(message) {
            case .status:
                try await connection.send(
                    Reply.status("{}").message(to: id, incarnation: incarnation))
            case .fetchVersion(let version):
                let reply = Reply.version(version)
                try await connection.send(
                    reply.message(to: id, incarnation: incarnation, tensors: tensors))
            case .goodbye: return
            default: break
            }
        }
    }

    /// Open descriptors, once nobody is answered any more and their number does not fall below
    /// the limit, or 30 s are over: sockets are freed a moment after the last connection has gone.
    private func settledDescriptors(atMost limit: Int) async throws -> Int {
        var count = Int.max
        for _ in 0..<300 where count > limit {
            try await Task.sleep(for: .milliseconds(100))
            let now = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            // Without a limit: once the number does not fall any more.
            let isSettled = served.count == 0 && now >= count
            if limit == 0, isSettled { return count }
            count = now
        }
        return count
    }

    /// Resident memory, once what the last connections have left in the allocator is given back.
    private func settledBytes() async throws -> Int {
        try await Task.sleep(for: .seconds(4))
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        let pages = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        return pages * 4096
    }
}
