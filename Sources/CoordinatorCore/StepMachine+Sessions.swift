import Identity
import Messages

// Who takes part: greeting, hello, attachment, readiness, signs of life, departure
// (design, section 4, *Identity* and *Connections of a worker*).
extension StepMachine {
    /// Refuses a stranger and closes its connection.
    mutating func turnAway(
        _ id: ConnectionID, _ request: RequestID, _ code: ErrorCode, _ detail: String
    ) {
        effects.append(.reply(id, request, .refused(Refusal(code, detail))))
        let address = sessions.peers[id]?.address ?? ""
        note(.info, "refused \(address): \(code), \(detail)")
        close(id)
    }

    // MARK: Connections

    mutating func connect(_ id: ConnectionID, address: String, ticket: UInt64) {
        let isWelcome = sessions.connect(
            id, address: address, ticket: ticket, strangersMax: settings.strangersMax,
            perAddressMax: settings.strangersPerAddressMax, at: time)
        if !isWelcome {
            effects.append(.close(id))
            note(
                .debug,
                "closed \(address): \(settings.strangersMax) connections, or "
                    + "\(settings.strangersPerAddressMax) from there, have no hello yet")
        }
    }

    mutating func disconnect(_ id: ConnectionID) {
        switch sessions.disconnect(id) {
        case .control(let worker), .bulk(let worker):
            end(worker, hasLeft: isOver, why: "its connection closed")
        case .stranger, .client, .closing, nil: break
        }
    }

    /// A worker is gone: its leases are free, its requests forgotten, its connections closed.
    mutating func end(_ worker: Incarnation, hasLeft: Bool, why: String) {
        let name = sessions.name(of: worker)
        let keepsLeases = settings.flaw == .keepsLeasesOfTheLost
        let slices = keepsLeases ? [] : step?.leases.lose(worker, at: time) ?? []
        step?.exchanges.lose(worker)
        if settings.flaw != .keepsCreditsOfTheLost { nodes.lose(worker) }
        wishes.removeAll { $0.asker.worker == worker }
        for id in sessions.end(
            worker, hasLeft: hasLeft, why: why, formerMax: settings.workersMax)
        {
            close(id)
        }
        let held = slices.isEmpty ? "" : "; slices \(slices) are free again"
        note(.info, "worker \(name) (\(worker)) \(hasLeft ? "left" : "is lost"): \(why)\(held)")
    }

    // MARK: Requests before hello

    mutating func take(_ greet: Greet, _ id: ConnectionID, _ request: RequestID) {
        guard let peer = sessions.peers[id], peer.standing == .stranger(greeted: false) else {
            turnAway(id, request, .outOfOrder, "a connection greets once")
            return
        }
        guard greet.minorLowest <= Self.protocolMinor, Self.protocolMinor <= greet.minorHighest
        else {
            turnAway(
                id, request, .unsupportedVersion,
                "this coordinator speaks protocol minor \(Self.protocolMinor), the peer "
                    + "\(greet.minorLowest) to \(greet.minorHighest)")
            return
        }
        let nonces = Nonces(peer: greet.nonce, coordinator: nonce(for: peer, id))
        sessions.greet(id, nonces: nonces)
        let greeting = Greeting(
            minor: Self.protocolMinor, epoch: settings.epoch, nonce: nonces.coordinator)
        effects.append(.reply(id, request, .greeting(greeting)))
    }

    mutating func take(_ hello: Hello, _ id: ConnectionID, _ request: RequestID) {
        guard let peer = sessions.peers[id], peer.standing == .stranger(greeted: true) else {
            turnAway(id, request, .outOfOrder, "hello comes after greet")
            return
        }
        if let refusal = distrust(of: hello, from: peer) ?? objection(to: hello) {
            turnAway(id, request, refusal.code, refusal.detail)
            return
        }
        let incarnation: Incarnation
        switch hello.role {
        case .viewer, .operator:
            incarnation = sessions.admitClient(id, as: hello.role, epoch: settings.epoch)
        case .worker:
            if let former = sessions.worker(named: hello.name), settings.flaw != .keepsFormerLife {
                end(former.incarnation, hasLeft: false, why: "it said hello again")
            }
            incarnation = sessions.admitWorker(id, hello, epoch: settings.epoch, at: time)
            note(.info, "worker \(hello.name) (\(incarnation)) joins from \(hello.host)")
        }
        let milliseconds = settings.heartbeat / .milliseconds(1)
        var welcome = Welcome(
            incarnation: incarnation, ticket: peer.ticket,
            heartbeatMilliseconds: UInt32(milliseconds), bodyBytesMax: settings.bodyBytesMax,
            runFile: settings.runFile, configDigest: settings.configDigest,
            dataDigest: settings.dataDigest)
        prove(&welcome, to: hello, from: peer)
        effects.append(.reply(id, request, .welcome(welcome)))
        if case .over(let over) = phase, hello.role == .worker {
            effects.append(.push(id, .over(over)))
        }
    }

    /// Why a peer is not taken in, or nil.
    private func objection(to hello: Hello) -> Refusal? {
        guard hello.role == .worker else {
            return sessions.clients.count < Sessions.clientsMax
                ? nil : Refusal(.tooMany, "\(Sessions.clientsMax) clients are connected")
        }
        let name = hello.name
        guard isValidPeerName(name) else { return Refusal(.badValue, peerNameRule) }
        if let quarantine = quarantine[name] { return Refusal(.quarantined, quarantine.reason) }
        guard (1...MessageLimits.slots).contains(Int(hello.slots)) else {
            return Refusal(.badValue, "\(hello.slots) slots; 1 to \(MessageLimits.slots) can be")
        }
        guard hello.bodyBytesMax >= settings.versionBytes else {
            return Refusal(
                .badValue,
                "worker \(name) takes messages of at most \(hello.bodyBytesMax) bytes; a version "
                    + "of this run has \(settings.versionBytes)")
        }
        guard hello.fingerprint == settings.fingerprint || settings.flaw == .takesAnyFingerprint
        else {
            return Refusal(
                .fingerprintDiffers,
                "worker \(name): fingerprint \(hello.fingerprint.shortHex), the run's is "
                    + settings.fingerprint.shortHex)
        }
        if let refusal = objection(
            to: name, config: hello.configDigest, data: hello.dataDigest, mayBeZero: true)
        {
            return refusal
        }
        if let other = sessions.worker(named: name), !isReplaced(other, by: hello) {
            return Refusal(
                .nameInUse,
                "worker \(name) is process \(other.hello.processID) on "
                    + other.hello.host)
        }
        guard sessions.workers.count < settings.workersMax else {
            return Refusal(.tooMany, "\(settings.workersMax) workers are connected")
        }
        return nil
    }

    private func objection(
        to name: String, config: Digest, data: Digest, mayBeZero: Bool
    ) -> Refusal? {
        if config != settings.configDigest, !(mayBeZero && config == .zero) {
            return Refusal(
                .configDiffers,
                "worker \(name): run file \(config.shortHex), the run's is "
                    + settings.configDigest.shortHex)
        }
        if data != settings.dataDigest, !(mayBeZero && data == .zero) {
            return Refusal(
                .dataDiffers,
                "worker \(name): data \(data.shortHex), the run's are "
                    + settings.dataDigest.shortHex)
        }
        return nil
    }

    /// A live name is another's until its connection is gone or overdue; the same process may
    /// replace itself.
    private func isReplaced(_ other: Worker, by hello: Hello) -> Bool {
        (other.hello.host == hello.host && other.hello.processID == hello.processID)
            || isSilent(other)
    }

    mutating func take(_ attach: Attach, _ id: ConnectionID, _ request: RequestID) {
        guard sessions.peers[id]?.standing == .stranger(greeted: false) else {
            turnAway(id, request, .outOfOrder, "attach is the first request of a connection")
            return
        }
        guard let owner = sessions.sorted.first(where: { $0.ticket == attach.ticket }) else {
            turnAway(id, request, .unknownTicket, "no connected worker has this ticket")
            return
        }
        guard owner.connections.count <= Sessions.bulkMax else {
            turnAway(id, request, .tooMany, "a worker has \(Sessions.bulkMax) bulk connections")
            return
        }
        sessions.attach(id, to: owner.incarnation)
        effects.append(.reply(id, request, .accepted))
    }

    // MARK: Requests of workers

    mutating func take(_ ready: Ready, from asker: Asker) {
        let name = sessions.name(of: asker.worker)
        if let refusal = objection(
            to: name, config: ready.configDigest, data: ready.dataDigest, mayBeZero: false)
        {
            answer(asker, .reply(.refused(refusal)))
            end(asker.worker, hasLeft: false, why: "refused: \(refusal.code), \(refusal.detail)")
            return
        }
        if let shard = ready.shards.last, shard >= settings.shardCount {
            let refusal = Refusal(
                .badValue,
                "worker \(name) holds shard \(shard); the run's data have \(settings.shardCount), "
                    + "numbered from 0")
            answer(asker, .reply(.refused(refusal)))
            end(asker.worker, hasLeft: false, why: refusal.detail)
            return
        }
        sessions.update(asker.worker) { worker in
            worker.isReady = true
            let holdsAll = ready.shards.isEmpty || ready.shards.count == settings.shardCount
            worker.shards = holdsAll ? nil : Set(ready.shards)
        }
        answer(asker, .reply(.accepted))
        let held = ready.shards.isEmpty ? "" : " and holds \(ready.shards.count) shards"
        note(.info, "worker \(name) (\(asker.worker)) is ready\(held)")
    }

    mutating func take(
        _ beat: Heartbeat, from worker: Incarnation, _ id: ConnectionID, _ request: RequestID
    ) {
        let slots = sessions.workers[worker]?.hello.slots ?? 0
        guard beat.slots.count <= slots else {
            let refusal = Refusal(.badValue, "\(beat.slots.count) slots, hello said \(slots)")
            effects.append(.reply(id, request, .refused(refusal)))
            return
        }
        let before = sessions.workers[worker]?.slots ?? []
        let moved = beat.slots.indices.map { place in
            place >= before.count || before[place] != beat.slots[place]
        }
        step?.leases.advance(worker, slots: beat.slots, moved: moved, at: time)
        sessions.update(worker) { worker in
            worker.slots = beat.slots
            let isPast = beat.slots.contains { slot in
                slot.phase != .idle && slot.phase != .loading
                    && slot.step == worker.fetch?.step
            }
            if isPast { worker.fetch = nil }
        }
        effects.append(.reply(id, request, .accepted))
    }

    mutating func take(
        _ goodbye: Goodbye, from asker: Asker, _ id: ConnectionID, _ request: RequestID
    ) {
        guard asker != .nobody else {
            effects.append(.reply(id, request, .accepted))
            return close(id)
        }
        answer(asker, .reply(.accepted))
        end(asker.worker, hasLeft: true, why: goodbye.detail)
    }

    // MARK: Time

    /// Whether a worker has given no sign of life for its term.
    func isSilent(_ worker: Worker) -> Bool {
        time - worker.seen > (worker.isReady ? settings.leaseTerm : settings.hangTerm)
    }

    /// Ends what has outlived its term.
    mutating func expire() {
        for id in sessions.strangers {
            guard let peer = sessions.peers[id], time - peer.since > settings.helloTerm,
                settings.flaw != .keepsStrangers
            else {
                continue
            }
            note(.debug, "closed \(peer.address): no hello within \(settings.helloTerm)")
            close(id)
        }
        for id in sessions.clients {
            guard let peer = sessions.peers[id], time - peer.heard > Sessions.clientTerm else {
                continue
            }
            close(id)
        }
        for worker in sessions.sorted {
            if isSilent(worker), settings.flaw != .keepsSilentWorkers {
                end(worker.incarnation, hasLeft: isOver, why: "no sign of life")
            } else if let step, settings.flaw != .hangsForEver,
                step.leases.hangs(
                    worker.incarnation, at: time, term: settings.hangTerm,
                    isThrough: step.exchanges.isThrough)
            {
                end(worker.incarnation, hasLeft: false, why: "a slice of it hangs")
            }
        }
        lookAtDisputes()
        nodes.forgetStale(at: time, term: settings.hangTerm)
    }
}
