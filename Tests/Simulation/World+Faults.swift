import CoordinatorCore
import Messages
import Storage
import WorkerCore

// What goes wrong, and when.
extension World {
    /// Lets faults happen until their time is over.
    func scheduleFaults() {
        let pause = chance.time(plan.faultEvery / 4...plan.faultEvery * 2)
        agenda.after(pause) { [unowned self] in
            guard agenda.now < plan.faultTime, !isDone else { return heal() }
            let fault = chance.pick(plan.faults)
            faultCounts[fault, default: 0] += 1
            tell("fault \(fault.rawValue)")
            happen(fault)
            scheduleFaults()
        }
    }

    private func happen(_ fault: Fault) {
        let number = chance.below(workers.count)
        switch fault {
        case .workerCrash, .workerStop, .workerDrain, .slotHang, .slowWorker, .wrongFingerprint,
            .wrongProtocol, .impostor:
            happen(fault, to: number)
        case .sliceError, .notANumber, .wrongBits, .wrongVersion, .wrongInput, .wrongFirstInput:
            spoil(fault, number)
        case .linkCut, .linkSwallow, .linkFlip: disturbConnection(fault)
        case .linkDelay, .slowReader, .linkStop, .oneWayStop: disturbLink(fault, number)
        case .swizzle: swizzle()
        case .repeatedRequest, .oldFrame, .uninvited, .oldVersion, .stranger:
            disturbConversation(fault, number)
        case .coordinatorKill, .powerCut, .powerCutAtOperation, .coordinatorStop, .operatorStop,
            .ioError, .diskFull, .killInDoubt:
            disturbCoordinator(fault)
        case .clockDrift, .clockJump: disturbClock(fault, number)
        }
    }

    // MARK: Workers

    private func happen(_ fault: Fault, to number: Int) {
        guard let worker = workers[number] else { return }
        switch fault {
        case .workerCrash, .wrongFingerprint, .wrongProtocol:
            if chance.happens(30) { mute(number) }
            killWorker(number)
            restartWorkerLater(
                number,
                fault == .wrongFingerprint
                    ? .fingerprint : fault == .wrongProtocol ? .protocolMinor : nil)
        case .workerStop:
            worker.process.stop()
            later(.milliseconds(300)...(.seconds(8))) { worker.process.goOn() }
        case .workerDrain: worker.process.run { worker.feed(.stop) }
        case .slotHang:
            let slot = chance.pick(worker.slots)
            slot.isStuck = true
            later(.seconds(1)...(.seconds(8))) { slot.isStuck = false }
        case .slowWorker:
            worker.slowness = 10
            later(.seconds(1)...(.seconds(6))) { worker.slowness = 1 }
        case .impostor:
            guard impostors.count < 2 else { return }
            let impostor = makeWorker(number)
            impostors.append(impostor)
            impostor.start()
        default: break
        }
    }

    /// Something that a worker computes next comes to nothing, or to wrong bits.
    private func spoil(_ fault: Fault, _ number: Int) {
        guard let worker = workers[number] else { return }
        switch fault {
        case .sliceError:
            guard errorsGiven < 4 else { return }
            errorsGiven += 1
            worker.errorsToCome += 1
        case .notANumber: worker.nextBits = .notANumber
        // A start that has not heard the right bits takes the wrong ones, by design.
        case .wrongBits where plan.keepsCoordinator: worker.nextBits = .result
        case .wrongVersion where plan.keepsCoordinator: worker.nextBits = .version
        case .wrongInput where plan.keepsCoordinator: worker.nextBits = .input
        case .wrongFirstInput where plan.keepsCoordinator: worker.nextBits = .firstInput
        default: break
        }
    }

    /// Does something later, unless faults are over: then what is to be mended is mended at once.
    func later(_ time: ClosedRange<Nanoseconds>, _ deed: @escaping () -> Void) {
        agenda.after(chance.time(time)) { [unowned self] in if !isHealed { deed() } }
    }

    /// A worker's host goes without a word: nobody hears that its connections end.
    private func mute(_ number: Int) {
        for connection in connections where connection.peer == number {
            connection.up.faults.swallowAfter = connection.up.acceptedBytes - 1
        }
    }

    // MARK: Conversations

    private func disturbConversation(_ fault: Fault, _ number: Int) {
        if fault == .stranger { return stranger() }
        guard let conversation = workers[number]?.life?.conversation else { return }
        if fault == .uninvited {
            guard let (request, tensors) = workers[number]?.lastDelivery else { return }
            conversation.ask(request, tensors: tensors, over: .bulk) { _ in }
            return
        }
        if fault == .oldVersion {
            let step = chance.below(plan.steps)
            let version = FetchVersion(
                step: StepNumber(step), digest: referee.expected.states[step].versionDigest)
            conversation.ask(.fetchVersion(version), over: .bulk) { _ in }
            return
        }
        let frames = fault == .oldFrame ? oldFrames : conversation.sent
        guard !frames.isEmpty else { return }
        let lane: ConversationTwin.Lane = chance.happens(50) ? .control : .bulk
        conversation.send(again: chance.pick(frames), over: lane)
    }

    /// Somebody connects and says nothing, or nothing of sense.
    private func stranger() {
        guard let coordinator else { return }
        for _ in 0..<1 + chance.below(3) {
            let connection = connect(-1)
            connection.dialled.listen({ _ in }, onEnd: {})
            coordinator.accept(connection)
            if chance.happens(30) {
                _ = connection.dialled.send((0..<80).map { UInt8($0) })
            } else if !oldFrames.isEmpty, chance.happens(50) {
                _ = connection.dialled.send(chance.pick(oldFrames))
            }
        }
    }

    // MARK: Coordinator and disk

    private func disturbCoordinator(_ fault: Fault) {
        guard let coordinator else { return }
        switch fault {
        case .coordinatorKill: loseCoordinator(isPowerCut: false)
        case .powerCut: loseCoordinator(isPowerCut: true)
        case .powerCutAtOperation: cutPower(inOperations: chance.below(30))
        case .coordinatorStop:
            coordinator.process.stop()
            later(.milliseconds(200)...(.seconds(6))) { coordinator.process.goOn() }
        case .operatorStop:
            coordinator.process.run { coordinator.handle(.stopRequested("the operator")) }
        case .killInDoubt: isToDieInDoubt = true
        case .ioError: disk.failOperation(disk.operationCount + chance.below(20))
        default:
            disk.setCapacity(chance.below(20_000))
            later(.milliseconds(500)...(.seconds(4))) { self.disk.setCapacity(.max) }
        }
    }

    // MARK: Clocks

    private func disturbClock(_ fault: Fault, _ number: Int) {
        let ofCoordinator = chance.happens(40)
        guard let process = ofCoordinator ? coordinator?.process : workers[number]?.process
        else { return }
        if fault == .clockJump {
            process.jumpClock(by: chance.time(.milliseconds(500)...(.seconds(20))))
        } else {
            process.runClock(at: 70 + UInt64(chance.below(80)))
            later(.seconds(1)...(.seconds(8))) { process.runClock(at: 100) }
        }
    }

    // MARK: Healing

    /// Faults are over: what is left must come to its end.
    ///
    /// One worker at least is sound; others may stay as they are, hung or gone.
    func heal() {
        guard !isHealed else { return }
        isHealed = true
        tell("healed")
        referee.noteHealing(at: agenda.now)
        healDisk()
        for connection in connections {
            connection.up.faults.cutAfter = nil
            connection.down.faults.cutAfter = nil
            connection.up.faults.flipAt = nil
            connection.down.faults.flipAt = nil
        }
        // Who holds all data shards can compute everything.
        let drawn = chance.below(workers.count)
        let sound = drawn == plan.partialWorker ? (drawn + 1) % workers.count : drawn
        coordinator?.process.runClock(at: 100)
        for number in workers.indices {
            change(number) { $0 = Link() }
            workers[number]?.process.runClock(at: 100)
            guard number == sound || chance.happens(60) else { continue }
            for slot in workers[number]?.slots ?? [] {
                slot.isStuck = number != sound && chance.happens(20)
            }
            workers[number]?.slowness = 1
            workers[number]?.process.goOn()
        }
        coordinator?.process.goOn()
        lookAfter(sound)
    }

    /// The operator looks once a second whether somebody must be started again.
    private func lookAfter(_ sound: Int) {
        if let coordinator, coordinator.over == nil, coordinator.isPaused {
            mark(.pause)
            loseCoordinator(isPowerCut: false)
        }
        if workers[sound] == nil, !isDone { restartWorkerLater(sound) }
        agenda.after(.seconds(1)) { [unowned self] in lookAfter(sound) }
    }
}
