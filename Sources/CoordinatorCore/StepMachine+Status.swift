import Messages
import Optimizers

// The snapshot for people: what the run is at, and who keeps it waiting (design, section 3, *No
// hang*).
extension StepMachine {
    /// The machine's state for people, at this moment of the caller's clock.
    public func status(at now: Moment) -> MachineStatus {
        let passed = clock.map { now - $0 } ?? .zero
        let time = self.time + passed
        let slices = step?.leases.slices.filter { !$0.isEmpty } ?? []
        return MachineStatus(
            runName: settings.runName, epoch: settings.epoch, state: runState, detail: runDetail,
            step: committed, steps: settings.steps, recorded: recorded,
            checkpointStep: checkpoints.newest, slicesOpen: slices.count,
            slicesDone: slices.count(where: \.isDone), creditsUsed: nodes.creditsUsed,
            creditsMax: nodes.creditsMax, strangers: sessions.strangers.count,
            clients: sessions.clients.count, workers: workers(at: time), waiting: waits(at: time),
            quarantine: quarantine.sorted { $0.key < $1.key }.map {
                QuarantineStatus(
                    worker: $0.key, reason: $0.value.reason,
                    sinceSeconds: seconds(time - $0.value.since))
            })
    }

    private var runState: RunState {
        switch phase {
        case .starting: .starting
        case .opening, .stepping, .committing: pausedBecause == nil ? .running : .paused
        case .closing: .running
        case .over(let over):
            switch over.reason {
            case .done: .done
            case .failed: .failed
            case .closing: committed >= settings.steps ? .done : .running
            }
        }
    }

    private var runDetail: String {
        switch phase {
        case .starting: "labels and state are being prepared"
        case .opening, .stepping, .committing:
            pausedBecause ?? stop.map { "ends after step \(committed): \($0.why)" } ?? ""
        case .closing(let over): "the last checkpoint is being written: \(over.detail)"
        case .over(let over): over.detail
        }
    }

    // MARK: Workers

    private func workers(at time: Moment) -> [WorkerStatus] {
        let connected = sessions.sorted.map { worker in
            WorkerStatus(
                name: worker.hello.name, state: state(of: worker, at: time),
                incarnation: worker.incarnation.description, host: worker.hello.host,
                processID: worker.hello.processID, programVersion: worker.hello.programVersion,
                slots: Int(worker.hello.slots), slicesDone: worker.slicesDone,
                slices: step?.leases.held(by: worker.incarnation) ?? [],
                lastSeenSeconds: seconds(time - worker.seen), phase: phases(of: worker.slots))
        }
        let gone = sessions.former.values.map { worker in
            WorkerStatus(
                name: worker.hello.name, state: state(of: worker),
                incarnation: worker.incarnation.description, host: worker.hello.host,
                processID: worker.hello.processID, programVersion: worker.hello.programVersion,
                slots: Int(worker.hello.slots), slicesDone: worker.slicesDone, slices: [],
                lastSeenSeconds: seconds(time - worker.seen), phase: "")
        }
        return (connected + gone).sorted { $0.name < $1.name }
    }

    private func state(of worker: FormerWorker) -> WorkerState {
        if quarantine[worker.hello.name] != nil { return .quarantined }
        return worker.hasLeft ? .left : .lost
    }

    private func state(of worker: Worker, at time: Moment) -> WorkerState {
        guard worker.isReady else { return .joining }
        let isLate =
            step?.leases.slices.flatMap(\.holders).contains { holder in
                guard holder.worker == worker.incarnation,
                    let stale = step?.leases.staleness(of: holder, at: time)
                else { return false }
                return stale > settings.leaseTerm
            } ?? false
        return isLate || time - worker.seen > settings.leaseTerm / 2 ? .suspect : .ready
    }

    /// How many slots do what, such as `forward 2, parked 1`.
    private func phases(of slots: [SlotProgress]) -> String {
        SlotPhase.allCases.compactMap { phase in
            let count = slots.count { $0.phase == phase }
            return count == 0 ? nil : "\(phase) \(count)"
        }.joined(separator: ", ")
    }

    // MARK: Waits

    /// Every wait, longest first.
    private func waits(at time: Moment) -> [Wait] {
        var waits: [Wait] = []
        func wait(_ what: String, _ who: String, since: Moment) {
            waits.append(Wait(what: what, who: who, sinceSeconds: seconds(time - since)))
        }
        switch phase {
        case .starting: wait("labels and state", "coordinator", since: phaseSince)
        case .opening: wait("opening of step \(committed)", "coordinator", since: phaseSince)
        case .committing: wait("commit of step \(committed)", "coordinator", since: phaseSince)
        case .closing: wait("the last checkpoint", "coordinator", since: phaseSince)
        case .stepping, .over: break
        }
        if !isOver, phase != .starting, !sessions.hasReady {
            let last = sessions.former.values.map(\.seen).max() ?? Moment(nanoseconds: 0)
            wait("a worker that is ready", "nobody", since: max(last, phaseSince))
        }
        if !isOver {
            for worker in sessions.sorted where !worker.isReady {
                wait("readiness", "worker \(worker.hello.name)", since: worker.since)
            }
        }
        if let inFlight = checkpoints.inFlight {
            wait("checkpoint of \(inFlight) steps", "coordinator", since: checkpoints.since)
        }
        if phase == .stepping, let open = step {
            waits += sliceWaits(open, at: time) + groupWaits(open, at: time)
            for offer in nodes.offers {
                wait("credit for node \(offer.node)", "coordinator", since: offer.since)
            }
        }
        return waits.enumerated().sorted {
            ($1.element.sinceSeconds, $0.offset) < ($0.element.sinceSeconds, $1.offset)
        }.map(\.element)
    }

    /// Slices of the open step that are not in.
    private func sliceWaits(_ open: OpenStep, at time: Moment) -> [Wait] {
        open.leases.slices.enumerated().flatMap { index, slice -> [Wait] in
            guard !slice.isEmpty, !slice.isDone else { return [] }
            let losses = slice.losses == 0 ? "" : ", lost \(slice.losses) times with its worker"
            let what = "slice \(index) of step \(open.opened.step)\(losses)"
            guard !slice.holders.isEmpty else {
                let who = pausedBecause == nil ? "an idle worker" : "operator"
                return [Wait(what: what, who: who, sinceSeconds: seconds(time - slice.idleSince))]
            }
            return slice.holders.map { holder in
                let parked = holder.state == .parked ? ", parked" : ""
                return Wait(
                    what: what + parked, who: "worker \(sessions.name(of: holder.worker))",
                    sinceSeconds: seconds(time - holder.since))
            }
        }
    }

    /// Answer groups that somebody waits for.
    private func groupWaits(_ open: OpenStep, at time: Moment) -> [Wait] {
        var waits: [Wait] = []
        for (index, round) in open.exchanges.rounds.enumerated() {
            for (group, state) in round.states.enumerated() {
                let slices = round.groups[group]
                let since = slices.flatMap { round.waiters[$0].map(\.since) }.min()
                let what =
                    "answer to slices \(slices) in round \(settings.rounds[index]) of step "
                    + "\(open.opened.step)"
                switch state {
                case .answered: break
                case .asked(let asked):
                    waits.append(
                        Wait(
                            what: what, who: "coordinator", sinceSeconds: seconds(time - asked)))
                case .open:
                    guard let since else { continue }
                    let missing = open.exchanges.missing(in: group, round: index)
                    waits.append(
                        Wait(
                            what: what, who: "slices \(missing)",
                            sinceSeconds: seconds(time - since)))
                }
            }
        }
        return waits
    }

    private func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
}
