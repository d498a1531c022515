import Buffers
import Synchronization
import Wire

/// The network's twin in memory: the same framing code over pipes, with faults on demand.
///
/// Any URL can be listened on; port 0 becomes a number of its own, as with sockets. Order is kept
/// within a connection and there is none between two.
public final class InMemoryNetwork: Network {
    private struct State {
        var listeners: [String: InMemoryListener] = [:]
        var links: [InMemoryLink] = []
        var nextPort = 50_000
    }

    private let limits: ConnectionLimits
    private let plan: @Sendable (_ link: Int) -> LinkPlan
    private let sleep: InMemorySleep
    private let pool = BufferPool(freeBytesMax: receivePoolBytesMax)
    private let state = Mutex(State())

    /// A network of its own.
    ///
    /// - Parameters:
    ///   - limits: with which every connection begins.
    ///   - plan: the faults of the n-th link, counted from 0 in the order of dialling.
    ///   - sleep: how stall limits are waited out; a simulation passes its own clock.
    public init(
        limits: ConnectionLimits = .standard,
        plan: @escaping @Sendable (_ link: Int) -> LinkPlan = { _ in LinkPlan() },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { duration in
            try await Task.sleep(for: duration)
        }
    ) {
        self.limits = limits
        self.plan = plan
        self.sleep = sleep
    }

    /// Every link so far, in the order of dialling, to cut and disturb while it is in use.
    public var links: [InMemoryLink] { state.withLock { $0.links } }

    /// Begins to listen.
    ///
    /// Throws `.addressInUse`.
    public func listen(_ url: String) async throws(TransportError) -> any Listener {
        let listener = state.withLock { state -> InMemoryListener? in
            let hasPortZero = url.hasSuffix(":0")
            let place = hasPortZero ? "\(url.dropLast())\(state.nextPort)" : url
            if hasPortZero { state.nextPort += 1 }
            guard state.listeners[place] == nil else { return nil }
            let listener = InMemoryListener(url: place, limits: limits, pool: pool) { [weak self] in
                self?.remove(place)
            }
            state.listeners[place] = listener
            return listener
        }
        guard let listener else { throw .addressInUse(url: url) }
        return listener
    }

    /// Connects at once.
    ///
    /// Throws `.unreachable` where nobody listens.
    public func dial(
        _ url: String, timeout: Duration
    ) async throws(TransportError) -> any Connection {
        let (listener, link) = state.withLock { state in
            let listener = state.listeners[url]
            guard listener != nil else { return (listener, InMemoryLink?.none) }
            let link = InMemoryLink(
                number: state.links.count, plan(state.links.count), sleep: sleep)
            state.links.append(link)
            return (listener, link)
        }
        guard let listener, let link, listener.offer(link.end(isDialer: false)) else {
            throw .unreachable(url: url, problem: "connection refused")
        }
        return FramedConnection(link.end(isDialer: true), limits: limits, pool: pool)
    }

    private func remove(_ url: String) {
        state.withLock { $0.listeners[url] = nil }
    }
}

/// A link between two connections in memory, and the hand that disturbs it.
public final class InMemoryLink: Sendable {
    /// The link's place in the order of dialling, from 0.
    public let number: Int
    private let outbound: InMemoryPipe
    private let inbound: InMemoryPipe

    init(number: Int, _ plan: LinkPlan, sleep: @escaping InMemorySleep) {
        self.number = number
        outbound = InMemoryPipe(plan.outbound, sleep: sleep)
        inbound = InMemoryPipe(plan.inbound, sleep: sleep)
    }

    /// Cuts the link: both sides see that the other has closed, after what is buffered.
    public func cut() {
        outbound.cut()
        inbound.cut()
    }

    /// Changes the faults of the direction from the dialler to the listener.
    public func setOutbound(_ change: @Sendable (inout LinkFaults) -> Void) {
        outbound.setFaults(change)
        if outbound.isCutDue { cut() }
    }

    /// Changes the faults of the direction from the listener to the dialler.
    public func setInbound(_ change: @Sendable (inout LinkFaults) -> Void) {
        inbound.setFaults(change)
        if inbound.isCutDue { cut() }
    }

    /// Bytes accepted so far from the dialler and from the listener.
    public var acceptedBytes: (outbound: Int, inbound: Int) {
        (outbound.acceptedBytes, inbound.acceptedBytes)
    }

    func end(isDialer: Bool) -> InMemoryStream {
        InMemoryStream(
            peer: "memory \(number) \(isDialer ? "listener" : "dialler")",
            link: self, reads: isDialer ? inbound : outbound,
            writes: isDialer ? outbound : inbound)
    }
}

/// One side of a link in memory.
final class InMemoryStream: ByteStream {
    let peer: String
    let isLoopback = true
    private let link: InMemoryLink
    private let reads: InMemoryPipe
    private let writes: InMemoryPipe

    init(peer: String, link: InMemoryLink, reads: InMemoryPipe, writes: InMemoryPipe) {
        self.peer = peer
        self.link = link
        self.reads = reads
        self.writes = writes
    }

    func read(into slices: [BufferSlice], timeout: Duration?) async -> StreamOutcome {
        await reads.read(into: slices, timeout: timeout)
    }

    func write(_ slices: [BufferSlice], timeout: Duration?) async -> StreamOutcome {
        if writes.isCutDue { link.cut() }
        let outcome = await writes.write(slices, timeout: timeout)
        if writes.isCutDue { link.cut() }
        return outcome
    }

    func close() {
        writes.closeWriter()
        reads.closeReader()
    }
}

/// A place in memory where peers connect.
final class InMemoryListener: Listener {
    private typealias Waiter = CheckedContinuation<Result<InMemoryStream, TransportError>, Never>

    private struct State {
        var offered: [InMemoryStream] = []
        var waiter: Waiter?
        var isClosed = false
    }

    let url: String
    private let limits: ConnectionLimits
    private let pool: BufferPool
    private let onClose: @Sendable () -> Void
    private let state = Mutex(State())

    init(
        url: String, limits: ConnectionLimits, pool: BufferPool,
        onClose: @escaping @Sendable () -> Void
    ) {
        self.url = url
        self.limits = limits
        self.pool = pool
        self.onClose = onClose
    }

    /// Takes a peer that dials; false once the listener is closed.
    func offer(_ stream: InMemoryStream) -> Bool {
        let (isTaken, waiter) = state.withLock { state -> (Bool, Waiter?) in
            guard !state.isClosed else { return (false, nil) }
            guard let waiter = state.waiter else {
                state.offered.append(stream)
                return (true, nil)
            }
            state.waiter = nil
            return (true, waiter)
        }
        waiter?.resume(returning: .success(stream))
        return isTaken
    }

    func accept() async throws(TransportError) -> any Connection {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                wait(continuation)
                // Cancelled before there was a waiter to let go.
                if Task.isCancelled { letGo(.cancelled(peer: url)) }
            }
        } onCancel: {
            letGo(.cancelled(peer: url))
        }
        return FramedConnection(try result.get(), limits: limits, pool: pool)
    }

    private func wait(_ continuation: Waiter) {
        let ready = state.withLock { state -> Result<InMemoryStream, TransportError>? in
            guard !state.isClosed else { return .failure(.closed(peer: url)) }
            precondition(state.waiter == nil, "one task at a time accepts at \(url)")
            guard state.offered.isEmpty else { return .success(state.offered.removeFirst()) }
            state.waiter = continuation
            return nil
        }
        if let ready { continuation.resume(returning: ready) }
    }

    private func letGo(_ reason: TransportError) {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: .failure(reason))
    }

    func close() {
        let offered = state.withLock { state in
            state.isClosed = true
            defer { state.offered = [] }
            return state.offered
        }
        letGo(.closed(peer: url))
        for stream in offered { stream.close() }
        onClose()
    }
}
