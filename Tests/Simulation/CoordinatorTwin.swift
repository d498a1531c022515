import CoordinatorCore
import Identity
import Messages
import Optimizers
import Storage
import Tensors
import Wire

/// One start of the coordinator: the machine unchanged, in a shell like `Coordinator` whose
/// sockets, threads and disk are simulated.
final class CoordinatorTwin {
    unowned let world: World
    let process: SimulatedProcess
    let directory: SimulatedDirectory
    let files: SimulatedDisk
    var machine: StepMachine
    var engine: EngineTwin
    var repeated: [StepRecord] = []
    /// Versions that can be fetched: the open step's.
    var shelf: (name: FetchVersion, version: [Float])?
    var ports: [ConnectionID: CoordinatorPort] = [:]
    var staged: (key: StagedKey, tensors: StagedTensors)?
    /// How the run ended for this start.
    var over: RunOver?
    private var connections: UInt64 = 0
    private var engineFree: Nanoseconds = 0
    private var writerFree: Nanoseconds = 0

    /// Tensors of the request that the machine is handling.
    enum StagedTensors {
        case input([Float])
        case node(SliceResult)
    }

    /// Takes the state directory; the machine waits for `prepare`.
    init(world: World) throws(StorageError) {
        self.world = world
        files = world.disk
        process = SimulatedProcess(agenda: world.agenda)
        let flaw = world.flaws.shell
        let system: any FileSystem =
            flaw.map { ForgetfulDisk(disk: world.disk, flaw: $0) } ?? world.disk
        directory = try SimulatedDirectory(files: system, flaw: flaw)
        var settings = world.plan.settings(epoch: directory.epoch)
        settings.flaw = world.flaws.machine
        machine = StepMachine(settings: settings)
        engine = EngineTwin(
            plan: world.plan, state: SimulatedState(slices: world.plan.slices),
            doubts: directory.doubtsAtOpening, flaw: flaw)
    }

    /// Begins to serve.
    func start() {
        command(world.chance.time(.milliseconds(20)...(.milliseconds(300)))) {
            try self.prepare()
        }
        tick()
    }

    /// The time as its clock shows it.
    var moment: Moment { Moment(nanoseconds: .seconds(1000) + process.time) }

    /// Whether the run waits for the operator.
    var isPaused: Bool { machine.status(at: moment).state == .paused }

    private func tick() {
        process.after(.milliseconds(100)) { [weak self] in
            guard let self else { return }
            handle(.tick)
            tick()
        }
    }

    // MARK: The machine

    func handle(_ event: Event) {
        let effects = world.referee.judged(event, by: self) { machine.handle(event, at: moment) }
        world.tell("    \(event)")
        for effect in effects {
            world.tell("        \(effect)")
            guard !process.isDead else { return }
            carryOut(effect)
        }
        world.referee.check(self, after: event)
    }

    private func carryOut(_ effect: Effect) {
        switch effect {
        case .reply(let id, let request, let reply): answer(request, with: reply, on: id)
        case .replyStatus(let id, let request): answer(request, with: .status("{}"), on: id)
        case .push(let id, let push):
            if let port = ports[id] { post(push.message(incarnation: port.incarnation), port) }
        case .close(let id): close(id)
        case .sendVersion(let id, let request, let version): send(version, as: request, on: id)
        case .sendAnswer(let id, let request, let answer):
            command(.milliseconds(1)) { self.send(answer, as: request, on: id) }
        case .openStep(let step):
            if engine.step == step.index {
                world.mark(.stepOpenedAgain)
                world.loseCoordinatorInDoubt()
            }
            command(.milliseconds(2)) {
                let opened = self.engine.open(step)
                let name = FetchVersion(step: step, digest: opened.version)
                self.shelf = (name, self.engine.state.version)
                self.handle(.stepOpened(opened))
            }
        case .keepInput(let key, _, let slice, let round):
            if case .input(let input)? = take(key) {
                command(0) { self.engine.keepInput(input, of: slice.index, round: round) }
            }
        case .dropStaged(let key): _ = take(key)
        case .answerGroup(let step, let round, let group, let slices):
            command(world.chance.time(.milliseconds(1)...(.milliseconds(30)))) {
                self.engine.answer(round: round, slices: slices.indices)
                self.handle(.groupAnswered(step, round: round, group: group))
            }
        case .keepNode(let key, _, let node, let replaced):
            if case .node(let result)? = take(key) {
                command(0) { self.engine.keepNode(node, result, replacing: replaced) }
            }
        case .dropNode(_, let node): command(0) { self.engine.dropNode(node) }
        case .doubt:
            world.mark(.doubt)
            command(0) {
                self.engine.doubts = try self.directory.noteDoubt()
                self.world.loseCoordinatorInDoubt()
            }
        case .combine(_, let node): command(.milliseconds(1)) { self.engine.combine(node) }
        case .commit(let step, let accounts): commit(step, accounts)
        case .checkpoint(let committed): checkpoint(committed.index)
        case .over(let over): finish(over)
        case .note: break
        }
    }

    /// The engine does something, after what it was told before.
    func command(_ duration: Nanoseconds, _ deed: @escaping () throws -> Void) {
        engineFree = max(engineFree, world.agenda.now) + duration
        process.at(engineFree) { [unowned self] in attempt(deed) }
    }

    /// Whether the checkpoint writer is at work.
    var isWriting: Bool { writerFree > world.agenda.now }

    /// The checkpoint writer does something, after what it was told before.
    func writeLater(_ duration: Nanoseconds, _ deed: @escaping () throws -> Void) {
        writerFree = max(writerFree, world.agenda.now) + duration
        process.at(writerFree) { [unowned self] in attempt(deed) }
    }

    /// Does something with the disk; a failure fails the run, unless the power is gone.
    private func attempt(_ deed: () throws -> Void) {
        do {
            try deed()
        } catch {
            if world.isPowerCut(files) {
                world.loseCoordinator(isPowerCut: true)
            } else {
                handle(.failed("\(error)"))
            }
        }
    }

    // MARK: Peers

    /// A peer has connected.
    func accept(_ connection: SimulatedConnection) {
        connections += 1
        let port = CoordinatorPort(id: ConnectionID(connections), connection: connection)
        ports[port.id] = port
        port.end.listen(
            { [weak self] bytes in self?.process.run { self?.receive(bytes, on: port) } },
            onEnd: { [weak self] in self?.process.run { self?.lose(port) } })
        process.run { [unowned self] in
            handle(
                .connected(
                    port.id, peer: "host \(port.peer)", ticket: world.chance.next()))
        }
    }

    private func receive(_ bytes: [UInt8], on port: CoordinatorPort) {
        guard ports[port.id] != nil, !port.isClosing else { return }
        do {
            for message in try port.reader.take(bytes) {
                guard ports[port.id] != nil, !port.isClosing else { return }
                take(message, on: port)
            }
        } catch {
            lose(port)
        }
    }

    /// The connection is gone.
    private func lose(_ port: CoordinatorPort) {
        guard ports.removeValue(forKey: port.id) != nil else { return }
        port.end.close()
        handle(.closed(port.id))
    }

    private func close(_ id: ConnectionID) {
        guard let port = ports[id] else { return }
        port.isClosing = true
        port.end.close()
        process.after(.milliseconds(1)) { [unowned self] in lose(port) }
    }

    /// Sends a message; a peer that takes none is closed.
    func post(_ message: WireMessage, _ port: CoordinatorPort) {
        world.referee.trace(message, at: world.agenda.now)
        if !port.post(message) {
            world.mark(.writerCutOff)
            port.isClosing = true
            process.after(0) { [unowned self] in lose(port) }
        }
    }

    /// The whole process is gone; its sockets are closed by the system.
    func die(isPowerCut: Bool) {
        process.die()
        for id in ports.keys.sorted() {
            // A host without power says nothing any more, nor does all of it arrive that it said.
            if !isPowerCut {
                ports[id]?.end.close()
            } else if world.newerChance.happens(50) {
                ports[id]?.end.loseWhatIsUnderWay()
            }
        }
        ports = [:]
    }
}
