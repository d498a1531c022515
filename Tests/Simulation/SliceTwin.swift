import Messages
import Optimizers
import Tensors
import Wire
import WorkerCore

/// A node as a simulated worker sums it.
struct NodeTwin {
    var result: SliceResult
    var leaves: [Leaf]

    /// The parent of two siblings.
    static func sum(_ left: NodeTwin, _ right: NodeTwin) -> NodeTwin {
        NodeTwin(result: .sum(left.result, right.result), leaves: left.leaves + right.leaves)
    }
}

/// One leased slice, from its lease to the nodes that its result completes: the counterpart of
/// `SliceRun`, cut where it waits.
final class SliceTwin {
    private let worker: WorkerTwin
    private let key: LeaseKey
    private let lease: Lease
    private let slot: SlotTwin
    private let talk: ConversationTwin
    private let done: (WorkerSession.SliceEnd, [SummedNode<NodeTwin>]) -> Void
    private var reason: StopReason?
    private var waitsFor: UInt64?
    private var version: [Float] = []
    private var answers: [[Float]] = []
    /// Whether its process dies before there is a result.
    private var isDoomed = false

    init(
        _ worker: WorkerTwin, _ key: LeaseKey, _ lease: Lease, _ slot: SlotTwin,
        _ talk: ConversationTwin,
        done: @escaping (WorkerSession.SliceEnd, [SummedNode<NodeTwin>]) -> Void
    ) {
        (self.worker, self.key, self.lease, self.slot) = (worker, key, lease, slot)
        (self.talk, self.done) = (talk, done)
    }

    private var step: StepKey { StepKey(step: key.step, version: lease.version) }

    /// Makes the slice stop; the first reason counts.
    func stop(_ reason: StopReason) {
        guard self.reason == nil else { return }
        self.reason = reason
        if let waitsFor { talk.give(up: waitsFor, reason) }
    }

    /// Computes the slice once its slot is free.
    func run() {
        slot.takeTurn(isAnswered: false) { [self] in
            if let reason { return end(reason) }
            slot.enter(.loading, key)
            fetch()
        }
    }

    // MARK: 3. Forward

    private func fetch() {
        let name = FetchVersion(step: key.step, digest: lease.version)
        switch worker.versions.ask(name.digest) {
        case .held(let version): load(version)
        case .wait:
            worker.versions.wait({ [self] in arrived($0) }, for: name.digest)
        case .fetch:
            talk.ask(.fetchVersion(name), over: .bulk, within: WorkerTwin.transferMax) {
                [self] outcome in
                let fetched = Result { () throws -> [Float] in
                    let message = try outcome.get()
                    guard message.reply == .version(name) else {
                        throw ConversationError.unexpected("fetchVersion")
                    }
                    return try NamedTensors(wire: message.tensors)["parameters"]?.values ?? []
                }
                let waiting = worker.versions.settle(name.digest, try? fetched.get())
                arrived(fetched)
                for waiter in waiting { waiter(fetched) }
            }
        }
    }

    private func arrived(_ fetched: Result<[Float], any Error>) {
        switch fetched {
        case .success(let version): load(version)
        case .failure(let error): end(error)
        }
    }

    private func load(_ version: [Float]) {
        self.version = version
        compute { [self] in
            if worker.errorsToCome > 0 {
                worker.errorsToCome -= 1
                return end(SliceError())
            }
            slot.enter(.forward, key)
            compute { self.exchange(0) }
        }
    }

    private func compute(_ then: @escaping () -> Void) {
        let time = worker.world.plan.computeTime * worker.slowness
        slot.compute(time, in: worker.process, then: then)
    }

    // MARK: 4. Exchange

    private func exchange(_ round: Int) {
        guard round < worker.world.plan.rounds else { return finish() }
        if let reason { return end(reason) }
        var floats = worker.method.input(
            lease.task, round: round, version: version, answers: answers)
        if takesWrongInput(round) { floats[0] = worker.wrongNumber() }
        var input = NamedTensors()
        input.append("z", Tensor(floats, shape: [floats.count]))
        let question = Exchange(
            step: key.step, slice: key.slice, round: UInt16(round), digest: input.digest)
        worker.feed(.parked(key))
        slot.park()
        waitsFor = talk.ask(.exchange(question), tensors: input.wireTensors, over: .bulk) {
            [self] outcome in
            waitsFor = nil
            slot.unpark { self.resume(round, outcome) }
        }
    }

    /// Whether this input is to be wrong.
    ///
    /// A first one counts, by design, until somebody computes it again; so its worker dies.
    private func takesWrongInput(_ round: Int) -> Bool {
        guard !worker.world.referee.hasInput(key.step, key.slice, round) else {
            return worker.takeWrongBits(.input)
        }
        isDoomed = isDoomed || worker.takeWrongBits(.firstInput)
        return isDoomed
    }

    private func resume(_ round: Int, _ outcome: Outcome) {
        guard !isDoomed else { return worker.crash() }
        worker.feed(.resumed(key))
        if let reason { return end(reason) }
        do {
            let message = try outcome.get()
            let expected = ExchangeAnswer(
                step: key.step, slice: key.slice, round: UInt16(round))
            guard message.reply == .answer(expected) else {
                throw ConversationError.unexpected("an exchange")
            }
            answers.append(try NamedTensors(wire: message.tensors)["answer"]?.values ?? [])
        } catch {
            return end(error)
        }
        slot.enter(.forward, key)
        compute { self.exchange(round + 1) }
    }

    // MARK: 5. Backward, 6. Sum

    private func finish() {
        slot.enter(.backward, key)
        compute { [self] in
            if reason == .abandoned { return end(StopReason.abandoned) }
            slot.enter(.delivering, key)
            let result = worker.result(of: lease.task, version: version, answers: answers, key)
            let leaf = Leaf(
                slice: key.slice, digest: result.digest, isFinite: result.isFinite,
                computeMilliseconds: 1)
            let nodes = worker.results.deliver(
                key.slice.index, of: step, NodeTwin(result: result, leaves: [leaf]),
                isCurrent: reason != .lost, adding: NodeTwin.sum)
            slot.giveTurn()
            done(reason == .lost ? .stopped(.lost) : .result, nodes)
        }
    }

    private func end(_ error: any Error) {
        let end = WorkerSession.SliceEnd(error)
        let isLost = end == .stopped(.lost)
        let nodes = isLost ? [] : worker.results.drop(key.slice.index, of: step)
        slot.giveTurn()
        done(end, nodes)
    }
}

/// An error that a slice meets.
struct SliceError: Error {}
