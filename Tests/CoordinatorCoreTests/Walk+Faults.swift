import CoordinatorCore
import Identity
import Messages
import Optimizers

// The faults that meet workers and coordinator of a walk.
extension Walk {
    mutating func fault() {
        let place = random.below(workers.count)
        guard faults.kills else { return }
        switch random.below(11) {
        case 0: if workers[place].isAlive { kill(place) }
        case 1: if workers[place].isAlive, workers[place].control != nil { loseSession(place) }
        case 2:
            workers[place].isStuck.toggle()
            workers[place].beatsOnly = random.chance(50)
        case 3, 4: duplicate(place)
        case 5: failSlice(place)
        case 6: stray(place)
        case 7: stranger()
        case 8: now = now + .seconds(5 + random.below(20))
        case 9: if faults.restarts, random.chance(30) { restartCoordinator() }
        default:
            if faults.stops, !stopAsked, random.chance(10) {
                askToStop()
            } else if workers[place].isReady, !workers[place].isStuck, random.chance(30) {
                send(place, .goodbye(Goodbye(detail: "leaves")), .other)
            }
        }
    }

    /// The last request is sent again, on the same connection or on the worker's other one.
    private mutating func duplicate(_ place: Int) {
        let ids = [workers[place].control, workers[place].bulk].compactMap { $0 }
        guard let id = ids.first(where: { up[$0]?.isEmpty == false }),
            let last = up[id]?.last, case .request(_, let incarnation, let body, _) = last,
            incarnation.rawValue != 0 || ids.count == 1
        else { return }
        switch body {
        case .greet, .hello, .attach, .goodbye: return
        default: break
        }
        let other = ids[random.below(ids.count)]
        if case .closed? = up[other]?.last { return }
        up[other, default: []].append(last)
    }

    private mutating func failSlice(_ place: Int) {
        guard errors < faults.errorsMax, !workers[place].isStuck,
            let job = workers[place].jobs.first
        else { return }
        errors += 1
        let lease = ReturnLease(
            step: StepNumber(job.step), slice: SliceNumber(job.slice),
            reason: random.chance(70) ? .failed : .drain, detail: "as the seed would have it")
        send(place, .returnLease(lease), .other)
        drop(place, step: job.step, slice: job.slice)
    }

    /// A frame of an older incarnation on a living connection: it must have no effect but a
    /// refusal.
    private mutating func stray(_ place: Int) {
        guard let id = workers[place].bulk, workers[place].isReady else { return }
        if case .closed? = up[id]?.last { return }
        strayRequests += 1
        let old = Incarnation(rawValue: workers[place].incarnation.rawValue &- 1)
        let request = RequestID(rawValue: strayRequests)
        let before = machine.status(at: now)
        guard !shell.closed.contains(id), before.state == .running else { return }
        let key = StagedKey(connection: id, request: request)
        shell.staged[key] = 1
        let input = Exchange(
            step: StepNumber(before.step), slice: SliceNumber(0), round: 0, digest: .zero)
        give(.request(id, request, old, .exchange(input)))
        if machine.status(at: now).slicesDone != before.slicesDone {
            problems.append("an old incarnation had an effect")
        }
    }

    private mutating func stranger() {
        let id = open()
        strayRequests += 1
        guard random.chance(50), !shell.closed.contains(id) else { return }
        give(
            .request(
                id, RequestID(rawValue: strayRequests), Incarnation(rawValue: 9),
                .requestLease(RequestLease(slot: 0))))
    }

    /// The coordinator is killed and starts again from its newest checkpoint.
    private mutating func restartCoordinator() {
        settings.epoch += 1
        let recorded = shell.committed
        machine = StepMachine(settings: settings)
        var next = WalkShell(slices: shell.slices, emptyIn: shell.emptyIn)
        (next.committed, next.doubts) = (saved, shell.doubts)
        shell = next
        for id in up.keys.sorted() { shell.closed.insert(id) }
        (up, down, leaseRequests) = ([:], [:], [])
        stepsSeen = -1
        for place in workers.indices {
            workers[place].isOver = false
            workers[place].versions = []
            loseSession(place)
        }
        (up, down) = ([:], [:])
        give(.prepared(committed: StepNumber(saved), recorded: StepNumber(recorded)))
        if stopAsked { askToStop() }
    }
}
