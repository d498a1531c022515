import CoordinatorDaemon
import Foundation
import Processes

/// Does the faults of a plan to a training, and sees how it comes out of each.
///
/// A fault is followed until the run has gone on; the healing of its target is seen to beside the
/// faults that follow.
actor FaultRun {
    /// A worker as it was before a fault.
    struct Before {
        var processID: Int32
        var incarnation: String
    }

    /// A run that has not gone on after so long hangs.
    static let recoverySecondsMax = 60.0
    /// A silent worker is waited for so long to be found before it is let go.
    private static let findSecondsMax = 10.0
    /// A silent worker that holds the run up for so long must be named in the status meanwhile.
    private static let nameSecondsMax = 1.0
    /// A target is back after so long, or is reported not to be.
    static let healSecondsMax = 30.0
    /// A look at the status that is to be newer than a step comes within this time.
    static let lookSecondsMax = 5.0

    let training: Training
    private let plan: FaultPlan
    /// What is measured of the processes between faults, in a soak.
    private let watch: ProcessWatch?
    var reports: [FaultReport] = []
    /// Numbers of the workers that have not healed.
    var healing: Set<Int> = []
    /// The incarnation that each fault's target had, where it took leases; by the fault's place.
    var incarnations: [Int: String] = [:]

    init(_ training: Training, plan: FaultPlan, watch: ProcessWatch?) {
        self.training = training
        self.plan = plan
        self.watch = watch
    }

    /// Injects all faults until `deadline`, in seconds of the training, and waits for the last
    /// ones to heal.
    func run(until deadline: Double = .infinity) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for fault in plan.faults {
                guard try await isDue(fault, deadline: deadline) else { break }
                if let watch { try await watch.measureBefore(training) }
                let index = try await inject(fault)
                if let watch {
                    try await heal(index)
                    try await watch.measureAfter(training)
                } else {
                    group.addTask { try await self.heal(index) }
                }
                if reports[index].recoveredSeconds == nil { break }
            }
        }
    }

    // MARK: When

    /// Waits for a fault's moment; false if the run or the time is over before it.
    private func isDue(_ fault: PlannedFault, deadline: Double) async throws -> Bool {
        switch fault.moment {
        case .step(let first, let last, let offset):
            let isOpen = try await training.wait(seconds: .infinity) { training in
                let count = await training.timeline.stepCount
                if count >= last { return true }
                guard count >= first else { return false }
                let (isHealed, isCalm) = await (self.healing.isEmpty, training.isCalm)
                return isHealed && isCalm
            }
            guard isOpen else { return false }
            let median = await training.timeline.recentStepSeconds
            try await Task.sleep(for: .seconds(offset * median))
        case .pause(let seconds):
            let end = min(training.now + seconds, deadline)
            let isOver = try await training.wait(seconds: end - training.now) {
                await $0.isOver
            }
            guard !isOver, end < deadline else { return false }
        }
        return await !training.isOver
    }

    // MARK: What

    /// The worker that a fault hits: the first of its targets that takes leases, else the first
    /// that has a process.
    private func target(of fault: PlannedFault) async throws -> Int {
        for number in fault.targets where !healing.contains(number) {
            if await training.isReady(number) { return number }
        }
        // Everybody is healing: the first that has a process again.
        _ = try await training.wait(seconds: Self.healSecondsMax) { training in
            for number in fault.targets where await training.workers.process(number) != nil {
                return true
            }
            return false
        }
        for number in fault.targets where await training.workers.process(number) != nil {
            return number
        }
        return fault.targets[0]
    }

    /// Does a fault, and waits until the run has gone on.
    private func inject(_ fault: PlannedFault) async throws -> Int {
        let number = fault.kind.hitsWorker ? try await target(of: fault) : 0
        let before = await snapshot()
        let process =
            fault.kind.hitsWorker
            ? await training.workers.process(number) : await training.coordinator
        let at = training.now
        var report = FaultReport(
            number: reports.count + 1, kind: fault.kind,
            target: fault.kind.hitsWorker ? "w\(number)" : "coordinator",
            processID: Int(process?.identifier ?? 0), at: at,
            step: await training.timeline.stepCount,
            hadOthers: before.keys.contains { $0 != number }, othersUndisturbed: true,
            problems: [])
        if fault.kind.hitsWorker { healing.insert(number) } else { healing = [] }
        await training.listen(for: causes(of: report, before[number]), of: report.number)
        try await hit(fault.kind, number, process, &report)
        let isBack = try await training.wait(seconds: Self.recoverySecondsMax) {
            await $0.timeline.commit(after: at) != nil
        }
        if fault.kind.isSilence {
            // Once it is let go the fault is over.
            report.why = await training.stopListening(to: report.number)
        }
        release(fault.kind, number, process)
        let timeline = await training.timeline
        report.recoveredSeconds = timeline.commit(after: at).map { $0.at - at }
        if !isBack {
            if await training.isOver {
                report.recoveredSeconds = training.now - at  // it came after the last step
            } else {
                report.problems.append("no step within \(Int(Self.recoverySecondsMax)) s")
            }
        }
        let isHeldUp =
            report.foundSeconds != nil && report.hadOthers
            && (report.recoveredSeconds ?? 0) > Self.nameSecondsMax
        if isHeldUp, !report.why.contains(where: \.isCritical) {
            report.problems.append("why did not name \(report.target) as what held the run up")
        }
        if fault.kind == .killCoordinator { note(timeline, &report) }
        try await look(after: at, at: before, except: number, &report)
        reports.append(report)
        incarnations[reports.count - 1] = before[number]?.incarnation
        return reports.count - 1
    }

    private func hit(
        _ kind: FaultKind, _ number: Int, _ process: ChildProcess?, _ report: inout FaultReport
    ) async throws {
        let at = report.at
        switch kind {
        case .killWorker: process?.signal(SIGKILL)
        case .cutConnections: training.relays[number - 1].cut()
        case .killCoordinator: try await killCoordinator(&report)
        case .stopWorker, .stallConnections:
            if kind == .stopWorker {
                process?.signal(SIGSTOP)
            } else {
                training.relays[number - 1].stall(true)
            }
            let isFound = try await training.wait(seconds: Self.findSecondsMax) { training in
                guard let look = await training.look, look.at > at else { return false }
                return await training.worker(number)?.state == "lost"
            }
            if isFound { report.foundSeconds = training.now - at }
            if !isFound, await !training.isOver {
                report.problems.append("not found within \(Int(Self.findSecondsMax)) s")
            }
            // The run must go on without it; where nobody else is, it goes on with it.
            if !report.hadOthers { release(kind, number, process) }
        }
    }

    /// Kills the coordinator, asks its directory what happened, and starts it again.
    private func killCoordinator(_ report: inout FaultReport) async throws {
        await training.killCoordinator()
        guard await !training.isOver else { return }
        var dead = CauseWatch(.deadCoordinator, step: report.step)
        do {
            let outlook = try DirectoryOutlook(directory: training.options.state)
            dead.hear(WhyReport(outlook), after: training.now - report.at)
        } catch {
            report.problems.append("why could not read the state directory: \(error)")
        }
        report.why = [dead.result]
        report.restartedSeconds = training.now - report.at
        try await training.startCoordinator()
    }

    /// What `pleiad why` is to name while a fault lasts; the coordinator's death is asked about
    /// elsewhere.
    private func causes(of report: FaultReport, _ before: Before?) -> [CauseWatch] {
        guard report.kind.hitsWorker else {
            return [CauseWatch(.stepsMadeAgain, step: report.step)]
        }
        return [
            CauseWatch(
                report.kind.isSilence ? .silentWorker : .lostWorker, worker: report.target,
                incarnation: before?.incarnation, step: report.step)
        ]
    }

    /// Lets a silent worker go on.
    private func release(
        _ kind: FaultKind, _ number: Int, _ process: ChildProcess?
    ) {
        switch kind {
        case .stopWorker: process?.signal(SIGCONT)
        case .stallConnections: training.relays[number - 1].stall(false)
        case .killWorker, .cutConnections, .killCoordinator: break
        }
    }

    /// What a restart of the coordinator came to.
    private func note(_ timeline: Timeline, _ report: inout FaultReport) {
        let started = report.at + (report.restartedSeconds ?? 0)
        report.firstStepSeconds = timeline.made(after: started).map { $0.at - started }
        guard let new = timeline.commit(after: started) else { return }
        report.newStepSeconds = new.at - started
        report.stepsMadeAgain = timeline.made(after: started).map { new.record.step - $0.step }
    }
}
