import Messages
import Optimizers

// The snapshot for people: what the run is at, and who keeps it waiting (design, section 3, *No
// hang*).
extension StepMachine {
    /// The machine's state for people, at this moment of the caller's clock.
    public func status(at now: Moment) -> MachineStatus {
        let passed = clock.map { now - $0 } ?? .zero
        let time = self.time + passed
        let waits = waits(at: time)
        let slices = step?.leases.slices.filter { !$0.isEmpty } ?? []
        return MachineStatus(
            runName: settings.runName, epoch: settings.epoch, state: runState, detail: runDetail,
            step: committed, steps: settings.steps, recorded: recorded,
            checkpointStep: checkpoints.newest, slicesOpen: slices.count,
            slicesDone: slices.count(where: \.isDone), creditsUsed: nodes.creditsUsed,
            creditsMax: nodes.creditsMax, strangers: sessions.strangers.count,
            clients: sessions.clients.count, workers: workers(at: time), waiting: waits,
            critical: critical(of: waits, at: time),
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
                lastSeenSeconds: seconds(time - worker.seen), phase: phases(of: worker.slots),
                sliceSeconds: worker.sliceSeconds, end: "")
        }
        let gone = sessions.former.values.map { worker in
            WorkerStatus(
                name: worker.hello.name, state: state(of: worker),
                incarnation: worker.incarnation.description, host: worker.hello.host,
                processID: worker.hello.processID, programVersion: worker.hello.programVersion,
                slots: Int(worker.hello.slots), slicesDone: worker.slicesDone, slices: [],
                lastSeenSeconds: seconds(time - worker.seen), phase: "", sliceSeconds: nil,
                end: worker.end)
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

    func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
}
