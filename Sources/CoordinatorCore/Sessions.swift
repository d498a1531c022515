import Identity
import Messages

extension StepMachine {
    /// The minor version of the protocol that this coordinator speaks.
    static let protocolMinor: UInt8 = 0
}

/// What a connection is to the coordinator.
enum Standing: Hashable, Sendable {
    /// It has not said hello; `greeted` once it has greeted.
    case stranger(greeted: Bool)
    /// A client that asks for status.
    case client(Incarnation)
    /// A worker's control connection.
    case control(Incarnation)
    /// One of a worker's bulk connections.
    case bulk(Incarnation)
    /// It is being closed; nothing that still comes from it counts.
    case closing
}

/// A connection.
struct Peer: Hashable, Sendable {
    /// Where it comes from.
    var address: String
    /// Opens bulk connections if it says hello as a worker.
    var ticket: UInt64
    /// When it connected.
    var since: Moment
    /// When something last came from it.
    var heard: Moment
    /// What it is.
    var standing = Standing.stranger(greeted: false)
    /// The random values of its conversation, once it has greeted.
    var nonces: Nonces?
    /// What it may do, once it is a client.
    var role: PeerRole?
}

/// A worker that is connected.
struct Worker: Sendable {
    /// Its incarnation.
    let incarnation: Incarnation
    /// What it said of itself.
    let hello: Hello
    /// Opens its bulk connections.
    let ticket: UInt64
    /// Its control connection, then the bulk ones in the order in which they were attached.
    var connections: [ConnectionID]
    /// When it was welcomed.
    let since: Moment
    /// Its last sign of life.
    var seen: Moment
    /// Whether it has said that it can compute.
    var isReady = false
    /// The data shards that it holds; nil for all.
    var shards: Set<UInt32>?
    /// Its last heartbeat.
    var slots: [SlotProgress] = []
    /// Slices whose results counted, over all incarnations of its name.
    var slicesDone: Int
    /// Its requests.
    var replies = ReplyMemory()
    /// What a slice takes it to compute, a mean over the last ones.
    var sliceSeconds: Double?
    /// The version that is on its way to it, and since when.
    var fetch: (step: StepNumber, since: Moment)?

    /// A slice's result came that took so long to compute.
    mutating func note(computeMilliseconds: UInt32) {
        let seconds = Double(computeMilliseconds) / 1000
        sliceSeconds = sliceSeconds.map { $0 + (seconds - $0) / 8 } ?? seconds
    }

    /// The connection on which it hello'd and gets pushes.
    var control: ConnectionID { connections[0] }
}

/// A worker that is gone: the last one under its name.
struct FormerWorker: Hashable, Sendable {
    /// Its last incarnation.
    var incarnation: Incarnation
    /// What it said of itself.
    var hello: Hello
    /// Whether it said goodbye.
    var hasLeft: Bool
    /// Why it is gone.
    var end: String
    /// Its last sign of life.
    var seen: Moment
    /// Slices whose results counted, over all incarnations of its name.
    var slicesDone: Int
}

/// Connections, workers and clients of one epoch (design, sections 2 below and 4, *Identity*).
struct Sessions: Sendable {
    /// Bulk connections of a worker at most: one a slot is plenty.
    static let bulkMax = 16
    /// Clients at most; each asks for a document of kilobytes.
    static let clientsMax = 64
    /// A client that has asked nothing for so long is closed; it connects again when it asks.
    static let clientTerm = Duration.seconds(60)

    /// Connections by number.
    private(set) var peers: [ConnectionID: Peer] = [:]
    /// Connected workers by incarnation.
    private(set) var workers: [Incarnation: Worker] = [:]
    /// Workers that are gone, by name; those of connected workers' names are forgotten.
    private(set) var former: [String: FormerWorker] = [:]
    private var given: UInt32 = 0

    // MARK: Views, in sorted order

    /// Incarnations of connected workers, rising.
    var incarnations: [Incarnation] { workers.keys.sorted() }
    /// Connected workers by rising incarnation.
    var sorted: [Worker] { incarnations.compactMap { workers[$0] } }
    /// Connections that have not said hello, in order.
    var strangers: [ConnectionID] {
        peers.keys.sorted().filter { id in
            if case .stranger = peers[id]?.standing { true } else { false }
        }
    }
    /// Clients' connections, in order.
    var clients: [ConnectionID] {
        peers.keys.sorted().filter { id in
            if case .client = peers[id]?.standing { true } else { false }
        }
    }
    /// The connected worker with this name.
    func worker(named name: String) -> Worker? { sorted.first { $0.hello.name == name } }
    /// The name of a worker, connected or not.
    func name(of incarnation: Incarnation) -> String {
        workers[incarnation]?.hello.name ?? incarnation.description
    }
    /// Incarnations of workers that can compute, rising.
    var ready: [Incarnation] { incarnations.filter { workers[$0]?.isReady == true } }
    /// Whether any worker can compute.
    var hasReady: Bool { workers.contains { $0.value.isReady } }

    // MARK: Connections

    /// A peer has connected; false if there is no room for another stranger, or for another from
    /// there.
    mutating func connect(
        _ id: ConnectionID, address: String, ticket: UInt64, strangersMax: Int,
        perAddressMax: Int, at time: Moment
    ) -> Bool {
        let strangers = strangers
        let near = strangers.count { host(of: peers[$0]?.address) == host(of: address) }
        let isWelcome = strangers.count < strangersMax && near < perAddressMax
        peers[id] = Peer(address: address, ticket: ticket, since: time, heard: time)
        if !isWelcome { peers[id]?.standing = .closing }
        return isWelcome
    }

    /// An address without its port.
    private func host(of address: String?) -> Substring? {
        address.map { $0[..<($0.lastIndex(of: ":") ?? $0.endIndex)] }
    }

    /// A connection is gone.
    mutating func disconnect(_ id: ConnectionID) -> Standing? {
        peers.removeValue(forKey: id)?.standing
    }

    /// Marks a connection as being closed; false if it was, or is gone.
    mutating func close(_ id: ConnectionID) -> Bool {
        guard let standing = peers[id]?.standing, standing != .closing else { return false }
        peers[id]?.standing = .closing
        return true
    }

    /// Something came from a connection.
    mutating func hear(_ id: ConnectionID, at time: Moment) {
        peers[id]?.heard = time
        switch peers[id]?.standing {
        case .control(let worker), .bulk(let worker): workers[worker]?.seen = time
        case .stranger, .client, .closing, nil: break
        }
    }

    /// A stranger has greeted.
    mutating func greet(_ id: ConnectionID, nonces: Nonces) {
        peers[id]?.standing = .stranger(greeted: true)
        peers[id]?.nonces = nonces
    }

    /// A stranger becomes a client.
    mutating func admitClient(
        _ id: ConnectionID, as role: PeerRole, epoch: UInt32
    ) -> Incarnation {
        let incarnation = nextIncarnation(epoch: epoch)
        peers[id]?.standing = .client(incarnation)
        peers[id]?.role = role
        return incarnation
    }

    /// A stranger becomes a worker.
    mutating func admitWorker(
        _ id: ConnectionID, _ hello: Hello, epoch: UInt32, at time: Moment
    ) -> Incarnation {
        let incarnation = nextIncarnation(epoch: epoch)
        let before = former.removeValue(forKey: hello.name)
        workers[incarnation] = Worker(
            incarnation: incarnation, hello: hello, ticket: peers[id]?.ticket ?? 0,
            connections: [id], since: time, seen: time, slicesDone: before?.slicesDone ?? 0)
        peers[id]?.standing = .control(incarnation)
        return incarnation
    }

    /// Ties a bulk connection to a worker.
    mutating func attach(_ id: ConnectionID, to worker: Incarnation) {
        workers[worker]?.connections.append(id)
        peers[id]?.standing = .bulk(worker)
    }

    private mutating func nextIncarnation(epoch: UInt32) -> Incarnation {
        given += 1
        return Incarnation(epoch: epoch, counter: given)
    }

    // MARK: Workers

    /// Changes a connected worker.
    @discardableResult
    mutating func update<Result>(
        _ incarnation: Incarnation, _ change: (inout Worker) -> Result
    ) -> Result? {
        guard let place = workers.index(forKey: incarnation) else { return nil }
        return change(&workers.values[place])
    }

    /// A worker is gone; returns its connections, in order.
    ///
    /// At most `formerMax` workers that are gone are remembered.
    mutating func end(
        _ incarnation: Incarnation, hasLeft: Bool, why: String, formerMax: Int
    ) -> [ConnectionID] {
        guard let worker = workers.removeValue(forKey: incarnation) else { return [] }
        former[worker.hello.name] = FormerWorker(
            incarnation: incarnation, hello: worker.hello, hasLeft: hasLeft, end: why,
            seen: worker.seen,
            slicesDone: worker.slicesDone)
        if former.count > formerMax,
            let oldest = former.min(by: { $0.value.incarnation < $1.value.incarnation })
        {
            former[oldest.key] = nil
        }
        return worker.connections
    }
}
