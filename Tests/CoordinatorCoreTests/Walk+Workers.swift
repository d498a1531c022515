import CoordinatorCore
import Identity
import Messages
import Optimizers
import Storage

// The model workers of a walk.
extension Walk {
    private static let slots = 2

    // MARK: Life

    mutating func start(_ place: Int) {
        let old = workers[place]
        workers[place] = WalkWorker(name: old.name, process: old.process + 1)
        workers[place].isAlive = true
    }

    mutating func kill(_ place: Int) {
        hangUp(workers[place].control)
        hangUp(workers[place].bulk)
        workers[place].isAlive = false
        workers[place].control = nil
        workers[place].bulk = nil
    }

    /// The session is gone: everything goes but the results of the open step.
    mutating func loseSession(_ place: Int) {
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

    mutating func send(
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
        guard workers[place].versions.contains(job.version) else {
            guard !workers[place].asked.values.contains(.fetch(job.step, job.version))
            else { return }
            let version = FetchVersion(
                step: StepNumber(job.step), digest: job.version)
            send(
                place, .fetchVersion(version), .fetch(job.step, job.version), onBulk: true)
            return
        }
        guard job.round < settings.rounds.count else {
            finish(place, job)
            return
        }
        park(place, job, true)
        let value = walkLeaf(job.step, job.slice) &+ UInt64(job.round) &+ 1
        let isLie = (faults.lies && isFaulty && random.chance(20)) || isWrong(place)
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

    /// Whether what a worker sends next is not what it should be.
    private mutating func isWrong(_ place: Int) -> Bool {
        isFaulty && faults.isFirstFaulty && place == 0 && random.chance(25)
    }

    private mutating func remove(_ place: Int, step: Int, slice: Int) {
        workers[place].jobs.removeAll { $0.step == step && $0.slice == slice }
    }

    /// The slice will not be computed here.
    mutating func drop(_ place: Int, step: Int, slice: Int) {
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
        let isWrong = isWrong(place)
        let noise = isWrong ? random.next() : 0
        let leaves = node.slices.filter { !shell.emptyIn(step).contains($0) }.map { slice in
            Leaf(
                slice: SliceNumber(slice), digest: walkDigest(walkLeaf(step, slice) ^ noise),
                isFinite: !isWrong, computeMilliseconds: 1)
        }
        let delivery = DeliverNode(
            step: StepNumber(step), node: SliceRange(node.lo, node.hi), leaves: leaves)
        send(
            place, .deliverNode(delivery), .deliver(step, node), onBulk: true,
            payload: sum ^ noise)
    }

    // MARK: Hearing

    mutating func hear(_ place: Int, _ id: ConnectionID, _ effect: Effect) {
        switch effect {
        case .reply(_, let request, let reply):
            guard let purpose = workers[place].asked.removeValue(forKey: request) else { return }
            hear(place, reply, to: purpose)
        case .sendVersion(_, let request, let version):
            workers[place].asked[request] = nil
            workers[place].versions.insert(version.digest)
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
        case (.lease, .lease(let lease)): take(place, lease)
        case (.lease, _): workers[place].wishes -= 1
        case (.exchange(let job), .refused): drop(place, step: job.step, slice: job.slice)
        case (.fetch(let step, _), .refused):
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
        if lease.version != workers[place].version {
            workers[place].version = lease.version
            (workers[place].held, workers[place].sums, workers[place].jobs) = ([:], [:], [])
        }
        // What an earlier life computed and could not deliver.
        for key in workers[place].sums.keys.sorted(by: { $0.lexicographicallyPrecedes($1) })
        where key[0] == step {
            offer(place, key[0], TreeNode(lo: key[1], hi: key[2]))
        }
        for old in workers[place].held.keys.filter({ $0 < step }) { workers[place].held[old] = nil }
        for old in workers[place].sums.keys.filter({ $0[0] < step }) {
            workers[place].sums[old] = nil
        }
        workers[place].jobs.removeAll { $0.step < step }
        workers[place].held[step, default: HeldNodes(tree: shell.tree(step))].lease(slice)
        workers[place].jobs.append(
            WalkWorker.Job(step: step, slice: slice, version: lease.version))
    }
}
