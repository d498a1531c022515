import Identity
import Logging
import Messages
import Methods
import Optimizers
import Synchronization
import Tensors
import Testing
import Transport
import Wire

@testable import WorkerCore

/// A request as a fake coordinator got it.
struct Asked: Sendable {
    var request: Request
    var id: RequestID
    var tensors: [WireTensor]
}

/// One accepted connection.
///
/// Heartbeats are answered by itself and never seen by the script.
final class FakePeer: Sendable {
    private let connection: any Connection
    private let requests: AsyncStream<Asked>
    private let beats = Mutex(0)
    private let isDeaf = Mutex(false)

    init(_ connection: any Connection) {
        self.connection = connection
        connection.raiseLimits(.standard)
        let (requests, feed) = AsyncStream.makeStream(of: Asked.self)
        self.requests = requests
        Task { await self.pump(feed) }
    }

    private func pump(_ feed: AsyncStream<Asked>.Continuation) async {
        defer { feed.finish() }
        do {
            while true {
                let message = try await connection.receive()
                let asked = Asked(
                    request: try Request(message), id: RequestID(rawValue: message.requestID),
                    tensors: message.body.tensors)
                guard case .heartbeat = asked.request else {
                    feed.yield(asked)
                    continue
                }
                beats.withLock { $0 += 1 }
                if !isDeaf.withLock({ $0 }) { try await reply(.accepted, to: asked.id) }
            }
        } catch {
            return  // the script sees the end of the requests
        }
    }

    /// Answers no heartbeat from now on.
    func beDeaf() { isDeaf.withLock { $0 = true } }

    var heartbeats: Int { beats.withLock { $0 } }

    /// The next request that is no heartbeat.
    func next() async throws -> Asked {
        for await asked in requests { return asked }
        throw ScriptError.closed
    }

    func reply(
        _ reply: Reply, to id: RequestID, tensors: [WireTensor] = []
    ) async throws {
        let incarnation = Incarnation(epoch: 1, counter: 1)
        try await connection.send(reply.message(to: id, incarnation: incarnation, tensors: tensors))
    }

    func push(_ push: Push) async throws {
        try await connection.send(push.message(incarnation: Incarnation(epoch: 1, counter: 1)))
    }

    func close() { connection.close() }
}

enum ScriptError: Error {
    case closed
    case unexpected(Request)
}

/// A run of four slices of two samples, in a script's hands.
struct FakeRun: Sendable {
    static let url = "tcp://127.0.0.1:4700"
    static let version = digest(of: 7)
    static let dataDigest = digest(of: 9)

    let network: InMemoryNetwork
    let listener: any Listener
    let method: FakeMethod
    let worker: Worker

    init(
        slots: Int = 1, budget: Int = 1 << 30, averages: ParameterAverages? = nil
    ) async throws {
        method = FakeMethod(averages: averages)
        network = InMemoryNetwork()
        listener = try await network.listen(Self.url)
        var options = WorkerOptions(url: Self.url, name: "w", slots: slots)
        options.activationBudgetBytes = budget
        worker = Worker(
            options: options, network: network, logger: Logger(label: "test"),
            preparation: FakePreparation(method: method))
    }

    func accept() async throws -> FakePeer { FakePeer(try await listener.accept()) }

    static let welcome = Welcome(
        incarnation: Incarnation(epoch: 1, counter: 1), ticket: 77, heartbeatMilliseconds: 50,
        bodyBytesMax: 1 << 30, runFile: "method: fake\n", configDigest: digest(of: 8),
        dataDigest: dataDigest)

    /// Takes a worker in as far as `ready`; returns its control and bulk connections.
    func admit() async throws -> (control: FakePeer, bulk: FakePeer) {
        let control = try await accept()
        let greet = try await control.next()
        guard case .greet = greet.request else { throw ScriptError.unexpected(greet.request) }
        let greeting = Greeting(minor: 0, epoch: 1, nonce: Array(repeating: 1, count: 16))
        try await control.reply(.greeting(greeting), to: greet.id)
        let hello = try await control.next()
        guard case .hello = hello.request else { throw ScriptError.unexpected(hello.request) }
        try await control.reply(.welcome(Self.welcome), to: hello.id)
        let bulk = try await accept()
        let attach = try await bulk.next()
        guard case .attach(Attach(ticket: 77)) = attach.request else {
            throw ScriptError.unexpected(attach.request)
        }
        try await bulk.reply(.accepted, to: attach.id)
        let ready = try await control.next()
        guard case .ready = ready.request else { throw ScriptError.unexpected(ready.request) }
        try await control.reply(.accepted, to: ready.id)
        return (control, bulk)
    }

    /// Takes a worker in and gives it its first slice with the parameters, so that it computes.
    func begin(_ slice: Int) async throws -> (control: FakePeer, bulk: FakePeer) {
        let (control, bulk) = try await admit()
        try await give(slice, on: control)
        try await Self.sendVersion(on: bulk)
        return (control, bulk)
    }

    /// Waits for a request for a lease and gives a slice of step 5.
    func give(
        _ slice: Int, on control: FakePeer, version: Digest = FakeRun.version, seed: UInt64 = 1
    ) async throws {
        let asked = try await control.next()
        guard case .requestLease = asked.request else {
            throw ScriptError.unexpected(asked.request)
        }
        try await control.reply(
            .lease(Self.lease(slice, version: version, seed: seed)), to: asked.id)
    }

    static func lease(
        _ slice: Int, version: Digest = FakeRun.version, seed: UInt64 = 1
    ) -> Lease {
        let task = SliceTask(
            step: StepNumber(5), slice: SliceNumber(slice), dataEpoch: 0, stepSamples: 8,
            samples: [UInt32(2 * slice), UInt32(2 * slice + 1)])
        return Lease(task: task, version: version, seed: seed, hints: [])
    }

    /// Answers a fetch of the version.
    static func sendVersion(on bulk: FakePeer, parameters: [Float] = [1, 2]) async throws {
        _ = try await send(
            on: bulk,
            [
                WireTensor(
                    name: "parameters", tensor: Tensor(parameters, shape: [parameters.count])),
                WireTensor(name: "buffers", tensor: Tensor(zeros: [0])),
            ])
    }

    /// Answers a fetch with these tensors; returns what was fetched.
    static func send(on bulk: FakePeer, _ tensors: [WireTensor]) async throws -> FetchVersion {
        let asked = try await bulk.next()
        guard case .fetchVersion(let name) = asked.request else {
            throw ScriptError.unexpected(asked.request)
        }
        try await bulk.reply(.version(name), to: asked.id, tensors: tensors)
        return name
    }

    /// The next exchange on `bulk`.
    static func exchange(on bulk: FakePeer) async throws -> (Exchange, Asked) {
        let asked = try await bulk.next()
        guard case .exchange(let exchange) = asked.request else {
            throw ScriptError.unexpected(asked.request)
        }
        return (exchange, asked)
    }

    /// Answers an exchange with ten times its input.
    static func answer(_ exchange: Exchange, _ asked: Asked, on bulk: FakePeer) async throws {
        let z = try Tensor(wire: asked.tensors[0])
        let dz = Tensor(z.values.map { 10 * $0 }, shape: z.shape)
        try await bulk.reply(
            .answer(
                ExchangeAnswer(
                    step: exchange.step, slice: exchange.slice, round: exchange.round)),
            to: asked.id, tensors: [WireTensor(name: "dz", tensor: dz)])
    }

    /// Waits for an offer on `control`, skipping requests for leases, and gives credit.
    static func offer(on control: FakePeer) async throws -> (OfferNode, Asked) {
        while true {
            let asked = try await control.next()
            if case .offerNode(let offer) = asked.request { return (offer, asked) }
            guard case .requestLease = asked.request else {
                throw ScriptError.unexpected(asked.request)
            }
        }
    }

    /// Takes the next node on `bulk`.
    static func takeNode(on bulk: FakePeer) async throws -> (DeliverNode, SliceResult) {
        let asked = try await bulk.next()
        guard case .deliverNode(let node) = asked.request else {
            throw ScriptError.unexpected(asked.request)
        }
        try await bulk.reply(.accepted, to: asked.id)
        return (node, try SliceResult(wire: asked.tensors))
    }
}

/// A digest of equal bytes.
func digest(of byte: UInt8) -> Digest {
    Digest(bytes: Array(repeating: byte, count: 32)) ?? .zero
}

/// z is the samples' numbers, the gradient is (sum of dz, parameters' sum), the loss is the slice.
final class FakeMethod: WorkerMethod {
    /// What happened, in order.
    let log = Mutex<[String]>([])
    /// Slices that fail, by number.
    let failing = Mutex<Set<Int>>([])
    /// Slices whose views were made.
    let viewed: AsyncStream<Int>
    private let viewing: AsyncStream<Int>.Continuation
    /// Averages of the versions that slices were computed with, in order.
    let seen = Mutex<[[Float]?]>([])
    let averages: ParameterAverages?

    init(averages: ParameterAverages? = nil) {
        self.averages = averages
        (viewed, viewing) = AsyncStream.makeStream()
    }

    struct Broken: Error {}

    var lines: [String] { log.withLock { $0 } }

    func views(of work: SliceWork) throws -> [Tensor] {
        viewing.yield(work.slice)
        return [Tensor(work.samples.map(Float.init), shape: [work.samples.count])]
    }

    func activationBytes(sampleCount: Int) -> Int { 100 * sampleCount }

    func run(
        _ work: SliceWork, views: [Tensor], version: VersionTensors,
        progress: any SliceProgress,
        exchange: (_ round: Int, _ input: NamedTensors) async throws -> NamedTensors
    ) async throws -> SliceResult {
        log.withLock { $0.append("forward \(work.slice) \(work.keepsActivations)") }
        seen.withLock { $0.append(version.averages?.values) }
        progress.tick()
        if failing.withLock({ $0.contains(work.slice) }) { throw Broken() }
        let answer = try await exchange(0, NamedTensors(["z": views[0]]))
        progress.beginBackward()
        log.withLock { $0.append("backward \(work.slice)") }
        let dz = answer["dz"]?.values ?? []
        return Self.result(slice: work.slice, dz: dz, parameters: version.parameters.values)
    }

    static func result(slice: Int, dz: [Float], parameters: [Float]) -> SliceResult {
        SliceResult(
            gradient: Tensor([dz.reduce(0, +), parameters.reduce(0, +)], shape: [2]),
            statistics: Tensor(zeros: [0]),
            sums: [SliceResult.Sum(name: "loss", value: Double(slice))])
    }

    /// What the slice gives with the fake coordinator's answer.
    static func expected(_ slice: Int) -> SliceResult {
        result(slice: slice, dz: [Float(20 * slice), Float(20 * slice + 10)], parameters: [1, 2])
    }
}

actor FakePreparation: Preparation {
    let method: FakeMethod

    init(method: FakeMethod) { self.method = method }

    func fingerprint() throws -> Digest { .zero }

    func prepare(_ welcome: Welcome) throws -> PreparedRun {
        PreparedRun(
            method: method, slices: 4, seed: 1, configDigest: welcome.configDigest,
            dataDigest: welcome.dataDigest)
    }
}
