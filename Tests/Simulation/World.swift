import CoordinatorCore
import Messages
import Storage
import WorkerCore

/// The simulated world: one coordinator at a time, its disk, workers, the links between them.
final class World {
    let plan: Plan
    let flaws: Planted
    let agenda = Agenda()
    let referee: Referee
    var chance: Chance
    /// The coordinator's disk.
    private(set) var disk = SimulatedDisk()
    private var powerCutAt = Int.max
    private(set) var coordinator: CoordinatorTwin?
    private(set) var workers: [WorkerTwin?]
    /// Second processes under the name of a living worker.
    var impostors: [WorkerTwin] = []
    var links: [Link]
    var connections: [SimulatedConnection] = []
    /// Frames of lives that are over.
    private(set) var oldFrames: [[UInt8]] = []
    private var names: [String]
    private var processes: UInt32 = 0
    private let beginning = ContinuousClock.now
    /// Whether faults happen no more.
    var isHealed = false
    /// Faults that happened, by kind.
    var faultCounts: [Fault: Int] = [:]
    /// Situations that were met, by kind.
    var markCounts: [Mark: Int] = [:]
    /// Chance for what came later, so that seeds go on meaning what they meant.
    var newerChance: Chance
    /// Hears of everything that happens, for somebody who replays a seed.
    private let log: ((String) -> Void)?
    /// Errors that slices were made to meet.
    var errorsGiven = 0
    /// Whether the coordinator's process ends once something is in doubt.
    var isToDieInDoubt = false

    /// A worker's way to the coordinator, as it is now.
    struct Link {
        var isUpStopped = false
        var isDownStopped = false
        var delay: Nanoseconds = 0
        var bytesPerSecond: UInt64?
    }

    init(plan: Plan, flaws: Planted, log: ((String) -> Void)? = nil) {
        self.log = log
        self.plan = plan
        self.flaws = flaws
        chance = plan.chance
        newerChance = plan.newerChance
        referee = Referee(plan: plan)
        workers = plan.slots.map { _ in nil }
        links = plan.slots.map { _ in Link() }
        names = plan.slots.indices.map { "w\($0)" }
    }

    /// The time as a process reads it from its monotonic clock.
    func instant(of process: SimulatedProcess) -> ContinuousClock.Instant {
        beginning + process.time.duration
    }

    /// Starts coordinator and workers.
    func start() {
        startCoordinator()
        for number in workers.indices { startWorker(number) }
    }

    /// Notes that a situation was met.
    func mark(_ mark: Mark) { markCounts[mark, default: 0] += 1 }

    /// Tells of something that happens.
    func tell(_ text: @autoclosure () -> String) {
        guard let log else { return }
        log("\(Double(agenda.now / 1_000_000) / 1000) s  \(text())")
    }

    // MARK: Coordinator

    private func startCoordinator() {
        guard coordinator == nil else { return }
        do {
            let twin = try CoordinatorTwin(world: self)
            coordinator = twin
            tell("coordinator starts, epoch \(twin.directory.epoch)")
            referee.noteStart(of: twin)
            twin.start()
        } catch {
            mark(.failedStart)
            if isPowerCut(disk) {
                cutPower()
            } else if isHealed {
                referee.fail("the coordinator cannot start: \(error)")
            }
            restartCoordinatorLater()
        }
    }

    private func restartCoordinatorLater() {
        agenda.after(chance.time(.milliseconds(100)...(.milliseconds(1500)))) { [unowned self] in
            startCoordinator()
        }
    }

    /// The coordinator's process is gone, with the power of its host or alone.
    func loseCoordinator(isPowerCut: Bool) {
        guard let twin = coordinator else { return }
        coordinator = nil
        tell(isPowerCut ? "power cut" : "coordinator ends")
        twin.die(isPowerCut: isPowerCut)
        referee.noteEnd(of: twin)
        if isPowerCut { cutPower() } else { sparePower() }
        restartCoordinatorLater()
    }

    /// If that was to happen, the coordinator's process ends shortly after something was in doubt,
    /// or after a step was opened again for it.
    ///
    /// Who can be reached no more may hold on to what was in doubt, and come back late.
    func loseCoordinatorInDoubt() {
        guard isToDieInDoubt, !isHealed, newerChance.happens(50) else { return }
        isToDieInDoubt = false
        let soon = newerChance.happens(50)
        agenda.after(newerChance.time(0...(.milliseconds(soon ? 3 : 60)))) { [unowned self] in
            guard !isHealed, coordinator != nil else { return }
            mark(.lostInDoubt)
            loseCoordinator(isPowerCut: newerChance.happens(50))
            for number in links.indices where newerChance.happens(40) {
                stopLink(
                    number, isUp: true, isDown: true, .milliseconds(200)...(.seconds(3)))
            }
        }
    }

    /// What was not synchronised is lost, or torn.
    private func cutPower() {
        let survival: SimulatedDisk.Survival =
            chance.happens(30)
            ? .nothing
            : .drawn(seed: chance.next(), blockBytes: chance.happens(50) ? 512 : 4096)
        disk = disk.restart(survival)
        powerCutAt = .max
    }

    private func sparePower() {
        powerCutAt = .max
        disk.cutPower(at: .max)
        disk.failOperation(.max)
    }

    /// Whether the power went while something was written.
    func isPowerCut(_ files: SimulatedDisk) -> Bool {
        files === disk && files.operationCount > powerCutAt
    }

    /// The power goes at a later operation of the disk.
    func cutPower(inOperations count: Int) {
        powerCutAt = disk.operationCount + count
        disk.cutPower(at: powerCutAt)
    }

    /// No fault of the disk is to come any more.
    func healDisk() {
        sparePower()
        disk.setCapacity(.max)
    }

    /// Whether the open step has the result of a slice.
    func isCounted(_ key: LeaseKey) -> Bool { referee.isCounted(key.step, key.slice) }

    // MARK: Workers

    /// Starts a worker's process.
    @discardableResult
    func startWorker(_ number: Int, _ oddity: WorkerTwin.Oddity? = nil) -> WorkerTwin {
        let twin = makeWorker(number)
        twin.oddity = oddity
        workers[number] = twin
        twin.start()
        return twin
    }

    /// A process under the name of a worker.
    func makeWorker(_ number: Int) -> WorkerTwin {
        processes += 1
        return WorkerTwin(
            world: self, number: number, name: names[number], processID: processes)
    }

    /// A worker's process is killed.
    func killWorker(_ number: Int) {
        guard let twin = workers[number] else { return }
        remember(twin)
        workers[number] = nil
        twin.die()
    }

    /// Starts a worker's process after a while, unless one runs.
    func restartWorkerLater(_ number: Int, _ oddity: WorkerTwin.Oddity? = nil) {
        agenda.after(chance.time(.milliseconds(50)...(.milliseconds(2000)))) { [unowned self] in
            guard workers[number] == nil, !isDone else { return }
            startWorker(number, oddity)
        }
    }

    /// A worker's process has ended by itself.
    func ended(_ twin: WorkerTwin, _ outcome: WorkerOutcome) {
        tell("\(twin.name) ends: \(outcome.sentence)")
        referee.note(outcome, of: twin)
        guard workers[twin.number] === twin else { return }
        remember(twin)
        agenda.after(0) { [unowned self] in
            guard workers[twin.number] === twin else { return }
            workers[twin.number] = nil
            twin.process.die()
            if case .done = outcome { return }
            if case .refused(let refusal) = outcome, refusal.code == .quarantined {
                names[twin.number] = "w\(twin.number)-\(processes)"
            }
            restartWorkerLater(twin.number)
        }
    }

    /// Keeps a life's frames, to be sent again by chance.
    func remember(_ twin: WorkerTwin) {
        oldFrames += twin.life?.conversation.sent ?? []
        if oldFrames.count > 40 { oldFrames.removeFirst(oldFrames.count - 40) }
    }

    /// Workers whose processes run and have not ended, by name.
    var unaware: [String] {
        (workers + impostors).compactMap { $0 }
            .filter { $0.outcome == nil && !$0.process.isStopped && !$0.process.isDead }
            .map(\.name)
    }

    /// Whether the run is done.
    var isDone: Bool { coordinator?.over?.reason == .done }

    /// Lets go of everything, so that nothing refers to anything any more.
    func dissolve() {
        for connection in connections {
            connection.up.forget()
            connection.down.forget()
        }
        agenda.clear()
        coordinator?.process.die()
        for worker in workers { worker?.die() }
        for impostor in impostors { impostor.die() }
        (coordinator, workers, impostors) = (nil, [], [])
    }
}
