import CoordinatorCore
import Identity
import Messages
import Optimizers
import Storage
import Tensors
import Wire

extension CoordinatorTwin {
    // MARK: Requests, as `Arrival` decodes and checks them

    func take(_ message: WireMessage, on port: CoordinatorPort) {
        let id = RequestID(rawValue: message.requestID)
        let incarnation = Incarnation(rawValue: message.incarnation)
        let request: Request
        do {
            request = try Request(message)
        } catch {
            post(Reply.refused(error).message(to: id, incarnation: port.incarnation), port)
            return
        }
        port.claimed = incarnation
        do {
            if let tensors = try tensors(of: request, message.body.tensors) {
                staged = (StagedKey(connection: port.id, request: id), tensors)
            }
            handle(.request(port.id, id, incarnation, request))
        } catch {
            handle(.unusable(port.id, id, incarnation, request, error))
        }
    }

    private func tensors(
        of request: Request, _ tensors: [WireTensor]
    ) throws(Refusal) -> StagedTensors? {
        switch request {
        case .exchange(let exchange):
            let input = try NamedTensors(wire: tensors)
            guard input.digest == exchange.digest, let z = input["z"], z.count == 2 else {
                throw Refusal(.badValue, "the tensors do not have their digest")
            }
            return .input(z.values)
        case .deliverNode:
            let result = try SliceResult(wire: tensors)
            guard result.gradient.count == SimulatedMethod.width, result.sums.count == 1 else {
                throw Refusal(.badValue, "a result of another method")
            }
            return .node(result)
        default: return nil
        }
    }

    /// The staged tensors with this key.
    func take(_ key: StagedKey) -> StagedTensors? {
        guard let staged, staged.key == key else {
            world.referee.fail("tensors are kept or dropped that are not staged: \(key)")
            return nil
        }
        self.staged = nil
        return staged.tensors
    }

    // MARK: Answers

    func answer(_ request: RequestID, with reply: Reply, on id: ConnectionID) {
        guard let port = ports[id] else { return }
        switch reply {
        case .welcome(let welcome): port.incarnation = welcome.incarnation
        case .accepted where port.incarnation.rawValue == 0: port.incarnation = port.claimed
        default: break
        }
        post(reply.message(to: request, incarnation: port.incarnation), port)
    }

    func send(_ version: FetchVersion, as request: RequestID, on id: ConnectionID) {
        guard let port = ports[id] else { return }
        guard let shelf, shelf.name == version else {
            answer(request, with: .refused(Refusal(.versionGone, "it is over")), on: id)
            return
        }
        post(
            Reply.version(version).message(
                to: request, incarnation: port.incarnation,
                tensors: [WireTensor(name: "parameters", floats: shelf.version)]), port)
    }

    func send(_ answer: ExchangeAnswer, as request: RequestID, on id: ConnectionID) {
        guard let port = ports[id] else { return }
        guard let floats = engine.answer(to: answer) else {
            self.answer(request, with: .refused(Refusal(.leaseGone, "it is over")), on: id)
            return
        }
        post(
            Reply.answer(answer).message(
                to: request, incarnation: port.incarnation,
                tensors: [WireTensor(name: "answer", floats: floats)]), port)
    }

    // MARK: Commit, checkpoint, end

    /// Commits a step: all in memory, then the ledger, and only then is it announced.
    func commit(_ step: StepNumber, _ accounts: [SliceAccount]) {
        world.referee.note(accounts, of: step, by: self)
        let isEarly = engine.flaw == .announcesEarly
        // Beside a checkpoint a commit may find no room for copies of what it has not written yet.
        let waitsForCopies = isWriting
        if waitsForCopies {
            world.mark(.copiesFull)
            command(0) { self.handle(.copiesFull(true)) }
        }
        command(world.chance.time(.milliseconds(1)...(.milliseconds(20)))) { [self] in
            shelf = nil
            if waitsForCopies { handle(.copiesFull(false)) }
            guard let record = engine.commit(step, accounts) else { return }
            world.referee.note(record, by: self)
            if isEarly {
                handle(.committed(step))
                command(.milliseconds(5)) { try self.enter(record) }
            } else {
                try enter(record)
                handle(.committed(step))
            }
        }
    }

    private func enter(_ record: StepRecord) throws {
        guard let recorded = repeated.first else {
            try directory.append(record)
            return
        }
        guard record == recorded else {
            world.referee.fail("step \(record.step), made again, differs from its record")
            return
        }
        repeated.removeFirst()
        if engine.flaw == .appendsTwice { try directory.append(record) }
    }

    /// Writes a checkpoint, beside the steps that follow.
    func checkpoint(_ committed: Int) {
        command(0) { [self] in
            let state = engine.state
            guard state.committed == committed else {
                world.referee.fail("a checkpoint of \(committed) steps at \(state.committed)")
                return
            }
            writeLater(world.chance.time(.milliseconds(2)...(.milliseconds(200)))) {
                try self.directory.write(state)
                if self.directory.isOfChanges { self.world.mark(.checkpointOfChanges) }
                self.handle(.checkpointed(committed: StepNumber(committed)))
            }
        }
    }

    /// Loads the newest whole checkpoint, and says where the run stands.
    func prepare() throws {
        let records = directory.records
        if let state = try directory.newestState(slices: world.plan.slices) {
            engine.state = state
            if directory.isOfChanges { world.mark(.recoveredFromChanges) }
        }
        let committed = engine.state.committed
        guard records.count >= committed else {
            world.referee.fail(
                "the ledger has \(records.count) steps, a checkpoint \(committed)")
            return
        }
        if committed > 0, records[committed - 1].next != engine.state.digest.hex {
            world.referee.fail("checkpoint \(committed) is not what the ledger records")
            return
        }
        repeated = Array(records[committed...])
        if !repeated.isEmpty { world.mark(.stepsMadeAgain) }
        world.referee.noteRecovery(records: records.count)
        if engine.flaw == .skipsRepeatedSteps {
            engine.state.committed = records.count
            repeated = []
        }
        handle(
            .prepared(
                committed: StepNumber(engine.state.committed),
                recorded: StepNumber(records.count)))
    }

    /// The run is over for this start: the process ends in order, once peers have heard it.
    func finish(_ over: RunOver) {
        self.over = over
        guard over.reason != .done else { return }
        process.after(.milliseconds(500)) { [self] in
            // What cannot be noted on a full disk is read at the next start as after a kill.
            try? directory.close()
            world.loseCoordinator(isPowerCut: world.isPowerCut(files))
        }
    }
}
