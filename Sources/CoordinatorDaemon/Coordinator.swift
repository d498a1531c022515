import CoordinatorCore
import Datasets
import Foundation
import Identity
public import Logging
public import Messages
import Methods
import RunFiles
public import ServiceLifecycle
public import Transport
import Wire

/// How a coordinator is started.
public struct CoordinatorOptions: Sendable {
    /// The run file.
    public var runFile: String
    /// The state directory; made if it is missing.
    public var stateDirectory: String
    /// Where to listen; nil for what the run file says.
    public var listen: String?
    /// Stop at this step instead of the run file's last one; the schedule stays.
    public var steps: Int?
    /// End when the run is done, instead of staying up for `status`.
    public var exitsWhenDone: Bool
    /// Whether plain tcp may be reached from other hosts.
    public var insecure: Bool

    /// Options with these values.
    public init(
        runFile: String, stateDirectory: String, listen: String? = nil, steps: Int? = nil,
        exitsWhenDone: Bool, insecure: Bool = false
    ) {
        self.runFile = runFile
        self.stateDirectory = stateDirectory
        self.listen = listen
        self.steps = steps
        self.exitsWhenDone = exitsWhenDone
        self.insecure = insecure
    }
}

/// The coordinator: a thin shell around the machine that owns connections and carries effects out.
///
/// It holds no decision of its own. Connections, clock and engine turn into events; the machine's
/// effects turn into messages and engine commands, in the machine's order. Tensor work happens in
/// the `StateEngine`, so that requests are answered while a step commits.
public actor Coordinator: Service {
    /// The address at which it listens, with the port in use.
    public nonisolated let url: String

    private let run: LoadedRun
    private let directory: RunDirectory
    private let board: FigureBoard
    private let shelf = VersionShelf()
    private let engine: StateEngine
    private let writer: CheckpointWriter
    private let states: AsyncStream<RunState>
    private let options: CoordinatorOptions
    private let listener: any Listener
    private let logger: Logger
    private let clock = MonotonicClock()
    private let commands: AsyncStream<EngineCommand>
    private let toEngine: AsyncStream<EngineCommand>.Continuation
    private let ended: AsyncStream<RunOver>
    private let end: AsyncStream<RunOver>.Continuation

    private var machine: StepMachine
    private var ports: [ConnectionID: ConnectionPort] = [:]
    private var staging = Staging()
    private var connectionsMade: UInt64 = 0
    /// The incarnation that each connection's last request carried.
    private var claims: [ConnectionID: Incarnation] = [:]
    private var over: RunOver?

    /// Reads the run file and the data, takes the state directory, and begins to listen; `run()`
    /// does the rest.
    ///
    /// - Throws: `RunFileError`, `DatasetError`, `StorageError`, `TransportError`, `DaemonError`.
    public init(
        options: CoordinatorOptions, network: any Network, logger: Logger
    ) async throws {
        let plan = try RunPlan(contentsOf: options.runFile)
        let dataset = try plan.loadData().train
        let run = LoadedRun(plan: plan, dataset: dataset, fingerprint: NumericsFingerprint.digest())
        let directory = try RunDirectory(opening: options.stateDirectory, for: run)
        let listen = options.listen ?? plan.settings.coordinator.listen
        guard options.insecure || isLoopback(url: listen) else {
            throw DaemonError.notLoopback(url: listen)
        }
        listener = try await network.listen(listen)
        url = listener.url
        self.run = run
        self.directory = directory
        self.options = options
        self.logger = logger
        board = FigureBoard()
        let (states, snapshots) = AsyncStream.makeStream(of: RunState.self)
        self.states = states
        engine = StateEngine(
            run: run, directory: directory, board: board, shelf: shelf, snapshots: snapshots)
        writer = CheckpointWriter(directory: directory)
        (commands, toEngine) = AsyncStream.makeStream()
        (ended, end) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        machine = StepMachine(
            settings: machineSettings(run: run, epoch: directory.epoch, steps: options.steps))
    }

    /// How the run ended, once it has.
    public var outcome: RunOver? { over }

    /// Steps that this start has committed, and its mean throughput in samples a second.
    public nonisolated var throughput: (steps: Int, samplesPerSecond: Double) {
        let figures = board.figures
        return (figures.stepsMade, figures.meanSamplesPerSecond)
    }

    /// What `pleiad status` shows, now.
    public func status() -> StatusDocument {
        StatusDocument(machine.status(at: clock.now), figures: board.figures, run: run)
    }

    /// Serves until the run is over (and, unless `exitsWhenDone`, until told to stop).
    ///
    /// A graceful shutdown ends the run at the end of the open step, with a checkpoint.
    public func run() async throws {
        toEngine.yield(.prepare)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.engine.serve(self.commands) { await self.handle($0) } }
            group.addTask { await self.writer.serve(self.states) { await self.handle($0) } }
            group.addTask { await self.acceptPeers() }
            group.addTask { await self.tick() }
            await withGracefulShutdownHandler {
                for await _ in self.ended { break }
            } onGracefulShutdown: {
                Task { await self.stop("the operator stopped it") }
            }
            await self.close()
            group.cancelAll()
        }
    }

    /// Ends the run at the end of the open step, with a checkpoint; at once if it is over already.
    public func stop(_ why: String) {
        if let over {
            end.yield(over)
        } else {
            handle(.stopRequested(why))
        }
    }

    // MARK: Events

    private func handle(_ event: Event) {
        for effect in machine.handle(event, at: clock.now) { carryOut(effect) }
    }

    private func tick() async {
        while !Task.isCancelled {
            handle(.tick)
            try? await Task.sleep(for: .milliseconds(50))  // cancelled: the loop ends
        }
    }

    private func acceptPeers() async {
        await withDiscardingTaskGroup { group in
            while let connection = try? await listener.accept() {  // throws once it is closed
                let port = open(connection)
                group.addTask { await port.sendPosted() }
                group.addTask { await self.serve(port) }
            }
        }
    }

    private func open(_ connection: any Connection) -> ConnectionPort {
        connectionsMade += 1
        let port = ConnectionPort(id: ConnectionID(connectionsMade), connection: connection)
        ports[port.id] = port
        return port
    }

    private func serve(_ port: ConnectionPort) async {
        let ticket = secureRandomBytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        handle(.connected(port.id, peer: port.connection.peer, ticket: ticket))
        while let message = try? await port.connection.receive() {  // throws: the peer is gone
            receive(message, on: port)
        }
        port.closeWhenSent()
        ports[port.id] = nil
        claims[port.id] = nil
        staging.dropAll(of: port.id)
        handle(.closed(port.id))
    }

    private func receive(_ message: WireMessage, on port: ConnectionPort) {
        let id = RequestID(rawValue: message.requestID)
        do throws(Refusal) {
            let request = try Request(message)
            try staging.stage(request, message.body.tensors, from: port.id, id: id, run: run)
            let incarnation = Incarnation(rawValue: message.incarnation)
            claims[port.id] = incarnation
            handle(.request(port.id, id, incarnation, request))
        } catch {
            port.post(.refused(error), to: id)
        }
    }

    // MARK: Effects

    private func carryOut(_ effect: Effect) {
        switch effect {
        case .reply(let id, let request, let reply):
            answer(request, with: reply, on: id)
        case .replyStatus(let id, let request):
            ports[id]?.post(.status(status().json), to: request)
        case .push(let id, let push):
            ports[id]?.post(push)
        case .close(let id):
            ports[id]?.closeWhenSent()
        case .sendVersion(let id, let request, let version):
            sendVersion(version, as: request, on: id)
        case .sendAnswer(let id, let request, let answer):
            if let port = ports[id] { toEngine.yield(.sendAnswer(port, request, answer)) }
        case .openStep(let step):
            toEngine.yield(.open(step))
            toEngine.yield(.foresee(step.next))
        case .keepInput(let key, _, let slice, let round):
            toEngine.yield(.keepInput(slice, round: round, staging.takeInput(key)))
        case .dropStaged(let key):
            staging.drop(key)
        case .answerGroup(let step, let round, let group, let slices):
            toEngine.yield(.answer(step, round: round, group: group, slices: slices))
        case .keepNode(let key, _, let node, let replaced):
            toEngine.yield(.keepNode(node, staging.takeNode(key), replacing: replaced))
        case .combine(_, let node):
            toEngine.yield(.combine(node))
        case .commit(let step, let accounts):
            toEngine.yield(.commit(step, accounts))
        case .checkpoint(let committed):
            toEngine.yield(.checkpoint(committed: committed))
        case .over(let over):
            finish(over)
        case .note(let level, let text):
            note(level, text)
        }
    }

    /// A welcome, or the first word of acceptance (to `attach`), admits the connection.
    private func answer(_ request: RequestID, with reply: Reply, on id: ConnectionID) {
        guard let port = ports[id] else { return }
        switch reply {
        case .welcome(let welcome): port.admit(welcome.incarnation, limits: limits)
        case .accepted: port.admit(claims[id] ?? Incarnation(rawValue: 0), limits: limits)
        default: break
        }
        port.post(reply, to: request)
    }

    private func sendVersion(
        _ wanted: FetchVersion, as request: RequestID, on id: ConnectionID
    ) {
        if let tensors = shelf.tensors(of: wanted) {
            ports[id]?.post(.version(wanted), tensors, to: request)
        } else {
            let refusal = Refusal(.versionGone, "step \(wanted.step) is over")
            ports[id]?.post(.refused(refusal), to: request)
        }
    }

    /// What a peer may send once it was taken in.
    private var limits: ConnectionLimits {
        ConnectionLimits(maxBodyBytes: Int(machine.settings.bodyBytesMax))
    }

    private func finish(_ over: RunOver) {
        self.over = over
        if options.exitsWhenDone || over.reason != .done { end.yield(over) }
    }

    private func note(_ level: NoteLevel, _ text: String) {
        switch level {
        case .warning: logger.warning("\(text)")
        case .info: logger.info("\(text)")
        case .debug: logger.debug("\(text)")
        }
        if level != .debug { directory.appendEvent(level: level, text: text) }
    }

    /// Lets peers read what was sent to them, then closes everything.
    private func close() async {
        listener.close()
        toEngine.finish()
        for port in ports.values { port.closeWhenSent() }
        let deadline = clock.now + .seconds(2)
        while !ports.isEmpty, clock.now < deadline {
            try? await Task.sleep(for: .milliseconds(10))  // cancelled: peers are cut off
        }
        for port in ports.values { port.connection.close() }
    }
}
