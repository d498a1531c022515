import CoordinatorCore
import Identity
import Messages
import Optimizers

// The model workers of a walk, and the faults that meet them.
extension Walk {
    private static let slots = 2

    // MARK: Life

    mutating func start(_ place: Int) {
        let old = workers[place]
        workers[place] = WalkWorker(name: old.name, process: old.process + 1)
        workers[place].isAlive = true
    }

    private mutating func kill(_ place: Int) {
        hangUp(workers[place].control)
        hangUp(workers[place].bulk)
        workers[place].isAlive = false
        workers[place].control = nil
        workers[place].bulk = nil
    }

    /// The session is gone: everything goes but the results of the open step.
    private mutating func loseSession(_ place: Int) {
        hangUp(workers[place].control)
        hangUp(workers[place].bulk)
        workers[place].control = nil
        workers[place].bulk = nil
        workers[place].isReady = false
        workers[place].asked = [:]
        workers[place].jobs = []
        workers[place].wishes = 0
        for step in workers[place].held.keys.sorted() {
            for sum in workers[place].held[step]?.releaseAll() ?? [] {
                workers[place].sums[[step, sum.node.lo, sum.node.hi]] = sum.payload
            }
        }
        workers[place].held = [:]
    }

    // MARK: Sending

    private mutating func send(
        _ place: Int, _ body: Request, _ purpose: WalkWorker.Purpose, onBulk: Bool = false,
        payload: UInt64 = 0
    ) {
        guard let id = onBulk ? workers[place].bulk : workers[place].control else { return }
        workers[place].requests += 1
        let request = RequestID(rawValue: workers[place].requests)
        workers[place].asked[request] = purpose
        up[id, default: []].append(
            .request(request, workers[place].incarnation, body, payload))
    }

    mutating func beat(_ place: Int) {
        let worker = workers[place]
        guard worker.isAlive, worker.incarnation.rawValue != 0, worker.control != nil,
            !worker.isStuck || worker.beatsOnly, now - worker.lastBeat >= .milliseconds(250)
        else { return }
        workers[place].lastBeat = now
        let slots = worker.jobs.filter { !$0.isParked }.prefix(Self.slots).enumerated().map {
            SlotProgress(
                slot: UInt16($0.offset), phase: .forward, step: StepNumber($0.element.step),
                slice: SliceNumber($0.element.slice), ticks: worker.ticks)
        }
        send(place, .heartbeat(Heartbeat(slots: slots)), .other)
    }

    // MARK: Working

    mutating func work(_ place: Int) {
        let worker = workers[place]
        guard worker.isAlive, !worker.isStuck, !worker.isOver else {
            if !worker.isAlive, !worker.isOver, random.chance(isFaulty ? 10 : 100) { start(place) }
            return
        }
        workers[place].ticks += 1
        guard worker.control != nil else {
            dial(place)
            return
        }
        guard worker.isReady else { return }
        let busy = worker.jobs.count { !$0.isParked }
        if worker.wishes + busy < Self.slots {
            workers[place].wishes += 1
            send(place, .requestLease(RequestLease(slot: 0)), .lease)
        }
        let open = worker.jobs.indices.filter { !worker.jobs[$0].isParked }
        guard !open.isEmpty else { return }
        advance(place, worker.jobs[open[random.below(open.count)]])
    }

    private mutating func dial(_ place: Int) {
        workers[place].incarnation = Incarnation(rawValue: 0)
        workers[place].control = open()
        let greet = Greet(minorLowest: 0, minorHighest: 3, nonce: Array(repeating: 1, count: 16))
        send(place, .greet(greet), .greet)
    }

    /// One piece of a slice: the version, a round's input, or the end.
    private mutating func advance(_ place: Int, _ job: WalkWorker.Job) {
        guard workers[place].versions.contains(job.step) else {
            guard !workers[place].asked.values.contains(.fetch(job.step)) else { return }
            let version = FetchVersion(
                step: StepNumber(job.step), digest: versionDigest(job.step))
            send(place, .fetchVersion(version), .fetch(job.step), onBulk: true)
            return
        }
        guard job.round < settings.rounds.count else {
            finish(place, job)
            return
        }
        park(place, job, true)
        let value = walkLeaf(job.step, job.slice) &+ UInt64(job.round) &+ 1
        let isLie = isFaulty && faults.lies && random.chance(20)
        let input = Exchange(
            step: StepNumber(job.step), slice: SliceNumber(job.slice), round: UInt16(job.round),
            digest: walkDigest(isLie ? value &+ 5 : value))
        send(place, .exchange(input), .exchange(job), onBulk: true)
    }

    private mutating func park(_ place: Int, _ job: WalkWorker.Job, _ isParked: Bool) {
        for index in workers[place].jobs.indices
        where workers[place].jobs[index].step == job.step
            && workers[place].jobs[index].slice == job.slice
        {
            workers[place].jobs[index].isParked = isParked
        }
    }

    private mutating func finish(_ place: Int, _ job: WalkWorker.Job) {
        remove(place, step: job.step, slice: job.slice)
        let sums =
            workers[place].held[job.step]?.deliver(
                job.slice, walkLeaf(job.step, job.slice), adding: walkSum) ?? []
        offer(place, job.step, sums)
    }

    private mutating func remove(_ place: Int, step: Int, slice: Int) {
        workers[place].jobs.removeAll { $0.step == step && $0.slice == slice }
    }

    /// The slice will not be computed here.
    private mutating func drop(_ place: Int, step: Int, slice: Int) {
        remove(place, step: step, slice: slice)
        offer(place, step, workers[place].held[step]?.drop(slice) ?? [])
    }

    private mutating func offer(_ place: Int, _ step: Int, _ sums: [SummedNode<UInt64>]) {
        for sum in sums {
            workers[place].sums[[step, sum.node.lo, sum.node.hi]] = sum.payload
            offer(place, step, sum.node)
        }
    }

    private mutating func offer(_ place: Int, _ step: Int, _ node: TreeNode) {
        let asked = workers[place].asked.values
        guard !asked.contains(.offer(step, node)), !asked.contains(.deliver(step, node)) else {
            return
        }
        let offer = OfferNode(
            step: StepNumber(step), node: SliceRange(node.lo, node.hi), byteCount: 100)
        send(place, .offerNode(offer), .offer(step, node))
    }

    private mutating func deliver(_ place: Int, _ step: Int, _ node: TreeNode) {
        guard let sum = workers[place].sums[[step, node.lo, node.hi]] else {
            problems.append("a credit for nothing")
            return
        }
        let leaves = node.slices.filter { !shell.emptyIn(step).contains($0) }.map { slice in
            Leaf(
                slice: SliceNumber(slice), digest: walkDigest(walkLeaf(step, slice)),
                isFinite: true, computeMilliseconds: 1)
        }
        let delivery = DeliverNode(
            step: StepNumber(step), node: SliceRange(node.lo, node.hi), leaves: leaves)
        send(place, .deliverNode(delivery), .deliver(step, node), onBulk: true, payload: sum)
    }

    // MARK: Hearing

    mutating func hear(_ place: Int, _ id: ConnectionID, _ effect: Effect) {
        switch effect {
        case .reply(_, let request, let reply):
            guard let purpose = workers[place].asked.removeValue(forKey: request) else { return }
            hear(place, reply, to: purpose)
        case .sendVersion(_, let request, let version):
            workers[place].asked[request] = nil
            workers[place].versions.insert(version.step.index)
        case .sendAnswer(_, let request, let answer):
            guard case .exchange(let job)? = workers[place].asked.removeValue(forKey: request)
            else { return }
            if job.round != Int(answer.round) || job.slice != answer.slice.index {
                problems.append("an answer to another question")
            }
            for index in workers[place].jobs.indices
            where workers[place].jobs[index].step == job.step
                && workers[place].jobs[index].slice == job.slice
                && workers[place].jobs[index].round == job.round
            {
                workers[place].jobs[index].round += 1
                workers[place].jobs[index].isParked = false
            }
        case .push(_, .abandon(let step, let slice)):
            drop(place, step: step.index, slice: slice.index)
        case .push(_, .over):
            workers[place].isOver = true
            loseSession(place)
        case .close: loseSession(place)
        default: break
        }
    }

    private mutating func hear(_ place: Int, _ reply: Reply, to purpose: WalkWorker.Purpose) {
        switch (purpose, reply) {
        case (.greet, .greeting):
            var hello = Bench(settings, prepared: false).hello(
                workers[place].name, process: workers[place].process)
            hello.slots = UInt16(Self.slots)
            send(place, .hello(hello), .hello)
        case (.hello, .welcome(let welcome)):
            workers[place].incarnation = welcome.incarnation
            workers[place].bulk = open()
            send(
                place, .attach(Attach(ticket: welcome.ticket)), .attach, onBulk: true)
        case (.attach, .accepted):
            let ready = Ready(configDigest: runConfig, dataDigest: runData, shards: [])
            send(place, .ready(ready), .ready)
        case (.ready, .accepted):
            workers[place].isReady = true
            for key in workers[place].sums.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                offer(place, key[0], TreeNode(lo: key[1], hi: key[2]))
            }
        case (.lease, .lease(let lease)): take(place, lease)
        case (.lease, _): workers[place].wishes -= 1
        case (.exchange(let job), .refused): drop(place, step: job.step, slice: job.slice)
        case (.fetch(let step), .refused):
            for job in workers[place].jobs where job.step == step {
                drop(place, step: step, slice: job.slice)
            }
        case (.offer(let step, let node), .verdict(.send)): deliver(place, step, node)
        case (.offer(let step, let node), _), (.deliver(let step, let node), _):
            workers[place].sums[[step, node.lo, node.hi]] = nil
        default: break
        }
    }

    private mutating func take(_ place: Int, _ lease: Lease) {
        workers[place].wishes -= 1
        let (step, slice) = (lease.task.step.index, lease.task.slice.index)
        for old in workers[place].held.keys.filter({ $0 < step }) { workers[place].held[old] = nil }
        for old in workers[place].sums.keys.filter({ $0[0] < step }) {
            workers[place].sums[old] = nil
        }
        workers[place].jobs.removeAll { $0.step < step }
        workers[place].held[step, default: HeldNodes(tree: shell.tree(step))].lease(slice)
        workers[place].jobs.append(WalkWorker.Job(step: step, slice: slice))
    }

    // MARK: Faults

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
        if case .goodbye = body { return }
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

    /// A frame of an older incarnation on a living connection: it must have no effect but a refusal.
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
        let (slices, emptyIn) = (shell.slices, shell.emptyIn)
        shell = WalkShell(slices: slices, emptyIn: emptyIn)
        shell.committed = saved
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
