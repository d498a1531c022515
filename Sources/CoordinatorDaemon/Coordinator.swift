import CoordinatorCore
import Datasets
import Foundation
public import Identity
public import Logging
public import Messages
import Methods
public import RunFiles
public import ServiceLifecycle
import Storage
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
    /// Whose tokens peers must bring; nil if they need none.
    public var authority: TokenAuthority?

    /// Options with these values.
    public init(
        runFile: String, stateDirectory: String, listen: String? = nil, steps: Int? = nil,
        exitsWhenDone: Bool, insecure: Bool = false, authority: TokenAuthority? = nil
    ) {
        self.runFile = runFile
        self.stateDirectory = stateDirectory
        self.listen = listen
        self.steps = steps
        self.exitsWhenDone = exitsWhenDone
        self.insecure = insecure
        self.authority = authority
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

    let work: any CoordinatedWork
    let board: FigureBoard
    let shelf: VersionShelf
    let traffic = TrafficBoard()
    /// Whether it ends once the work is done, instead of staying up for `status`.
    let exitsWhenDone: Bool
    let listener: any Listener
    let logger: Logger
    let clock = MonotonicClock()
    let commands: AsyncStream<EngineCommand>
    let toEngine: AsyncStream<EngineCommand>.Continuation
    let ended: AsyncStream<RunOver>
    let end: AsyncStream<RunOver>.Continuation

    var machine: StepMachine
    var ports: [ConnectionID: ConnectionPort] = [:]
    var staging = Staging()
    var phaseClock = PhaseClock()
    var connectionsMade: UInt64 = 0
    /// The incarnation that each connection's last request carried.
    var claims: [ConnectionID: Incarnation] = [:]
    var over: RunOver?
    /// Whether connections are being closed: a peer that gets in meanwhile is closed, too.
    var isClosing = false

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
        let listen = options.listen ?? plan.settings.coordinator.listen
        try requireListenable(listen, insecure: options.insecure)
        let directory = try RunDirectory(
            opening: options.stateDirectory, for: run, logger: logger)
        let listener: any Listener
        do {
            listener = try await network.listen(listen)
        } catch {
            directory.close()
            throw error
        }
        let (board, shelf) = (FigureBoard(), VersionShelf())
        self.init(
            work: TrainingWork(
                run: run, directory: directory, options: options, board: board, shelf: shelf),
            listener: listener, board: board, shelf: shelf, exitsWhenDone: options.exitsWhenDone,
            logger: logger)
    }

    /// A coordinator of some work that listens already.
    ///
    /// - Parameters:
    ///   - board: where the work publishes its figures.
    ///   - shelf: where the work puts the version of the open step.
    init(
        work: any CoordinatedWork, listener: any Listener, board: FigureBoard,
        shelf: VersionShelf, exitsWhenDone: Bool, logger: Logger
    ) {
        url = listener.url
        self.work = work
        self.listener = listener
        self.board = board
        self.shelf = shelf
        self.exitsWhenDone = exitsWhenDone
        self.logger = logger
        (commands, toEngine) = AsyncStream.makeStream()
        (ended, end) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        machine = StepMachine(settings: work.settings)
    }

    /// What the run file says, whatever the method, and the steps in which the data are gone
    /// through once; nil where no run is trained.
    public nonisolated var training: (settings: RunSettings, stepsPerDataEpoch: Int)? {
        (work as? TrainingWork).map { ($0.run.plan.settings, $0.run.sampler.stepsPerEpoch) }
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
        StatusDocument(
            machine.status(at: clock.now), figures: board.figures, traffic: traffic.counts,
            rounds: work.rounds, evaluation: work.newestEvaluation())
    }

    /// Serves until the run is over (and, unless `exitsWhenDone`, until told to stop).
    ///
    /// A graceful shutdown ends the run at the end of the open step, with a checkpoint.
    public func run() async throws {
        work.keep(.info, DirectoryOutlook.listening + url)
        toEngine.yield(.prepare)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.work.serve(self.commands) { await self.handle($0) } }
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
        work.close()
    }

    /// Ends the run at the end of the open step, with a checkpoint; at once if it is over already.
    public func stop(_ why: String) {
        if let over {
            end.yield(over)
        } else {
            handle(.stopRequested(why))
        }
    }

    func handle(_ event: Event) {
        let now = clock.now
        let seconds = Double(now.nanoseconds) / 1e9
        phaseClock.note(event, at: seconds)
        for effect in machine.handle(event, at: now) {
            if let phases = phaseClock.note(effect, at: seconds) { board.complete(phases) }
            carryOut(effect)
        }
        // Behind the answers in the engine's queue, which workers wait for.
        if case .groupAnswered(let step, _, _) = event { toEngine.yield(.prepareCommit(step)) }
    }

    func tick() async {
        while !Task.isCancelled {
            handle(.tick)
            try? await Task.sleep(for: .milliseconds(50))  // cancelled: the loop ends
        }
    }

    /// Lets peers read what was sent to them, then closes everything.
    func close() async {
        isClosing = true
        listener.close()
        toEngine.finish()
        // Workers that were told that all is over leave. Closed from here a TLS stream loses what
        // it holds, and a worker that was not told would look for the coordinator.
        await wait(atMost: .seconds(1)) { machine.hasWorkers }
        for port in ports.values { port.closeWhenSent() }
        await wait(atMost: .seconds(1)) { !ports.isEmpty }
        for port in ports.values { port.connection.close() }
    }

    /// Waits as long as something holds, within a limit.
    private func wait(atMost limit: Duration, while holds: () -> Bool) async {
        let deadline = clock.now + limit
        while holds(), clock.now < deadline {
            try? await Task.sleep(for: .milliseconds(10))  // cancelled: peers are cut off
        }
    }
}
