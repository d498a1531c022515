import Messages

// How a life begins, goes on and ends: joining, signs of life, leaving.
extension WorkerSession {
    // MARK: Joining and leaving

    mutating func begin() -> [Action] {
        guard phase == .apart else { return [] }
        guard !isStopping else { return end(.drained) }
        phase = .joining
        life += 1
        return [.join(life: life)]
    }

    mutating func welcomed(_ welcome: Welcome, at now: Moment) -> [Action] {
        guard phase == .joining else { return [] }
        wasWelcomed = true
        nameInUseSince = nil
        heartbeat = .milliseconds(Int(welcome.heartbeatMilliseconds))
        lastHeard = now
        lastTick = now
        lastBeat = now
        phase = .present
        return [.heartbeat]
    }

    mutating func ready() -> [Action] {
        guard phase == .present, !isReady else { return [] }
        isReady = true
        backoff = Self.backoffMin
        return isStopping ? leaveIfIdle() : slots.indices.flatMap { askIfIdle($0) }
    }

    mutating func joinFailed(_ failure: JoinFailure, at now: Moment) -> [Action] {
        guard phase == .joining || phase == .present else { return [] }
        switch failure {
        case .unprepared(let problem): return end(.failed(problem))
        // A stranger at the coordinator's address ends no worker that was in.
        case .distrusted(let problem):
            guard wasWelcomed else { return end(.failed(problem)) }
            return retry(problem, .failed(problem), at: now)
        case .unreachable(let reason): return retry(reason, .unreachable(reason), at: now)
        case .refused(let refusal):
            guard canPass(refusal, at: now) else { return end(.refused(refusal)) }
            return retry(refusal.description, .refused(refusal), at: now)
        }
    }

    /// Whether a refusal may pass by itself.
    mutating func canPass(_ refusal: Refusal, at now: Moment) -> Bool {
        switch refusal.code {
        case .sayHello, .unknownTicket, .tooMany, .closing, .outOfOrder: return true
        case .nameInUse:
            let since = nameInUseSince ?? now
            nameInUseSince = since
            return now - since < Self.nameInUseMax
        default: return false
        }
    }

    mutating func retry(
        _ reason: String, _ outcome: WorkerOutcome, at now: Moment
    ) -> [Action] {
        guard wasWelcomed || now - start < Self.firstJoinMax else { return end(outcome) }
        guard !isStopping else { return end(.drained) }
        forgetLife()
        phase = .apart
        let pause = backoff
        backoff = min(backoff * 2, Self.backoffMax)
        if flaw == .triesOnce, pause > Self.backoffMin { return [.dropLife, .note(reason)] }
        return [.dropLife, .note(reason), .wait(pause)]
    }

    mutating func lost(_ reason: String, at now: Moment) -> [Action] {
        switch phase {
        case .present: return stopAll(.lost) + retry(reason, .unreachable(reason), at: now)
        case .leaving: return end(.drained)
        case .apart, .joining, .ended: return []
        }
    }

    mutating func forgetLife() {
        isReady = false
        errands = 0
        guard flaw != .remembersOldLife else { return }
        for slot in slots.indices { slots[slot] = Slot() }
    }

    mutating func stop(at now: Moment) -> [Action] {
        guard !isStopping else { return [] }
        isStopping = true
        stoppingSince = now
        guard phase == .present else { return end(.drained) }
        return stopAll(.drain) + leaveIfIdle()
    }

    func stopAll(_ reason: StopReason) -> [Action] {
        slots.flatMap { $0.computing + $0.parked }.map { .stopSlice($0, reason) }
    }

    mutating func leaveIfIdle(at now: Moment? = nil) -> [Action] {
        let isIdle = slots.allSatisfy { $0.computing.isEmpty && $0.parked.isEmpty }
        guard isStopping, phase == .present, isIdle else { return [] }
        let hasWaited = now.map { $0 - (stoppingSince ?? $0) > Self.drainMax } ?? false
        guard errands == 0 || hasWaited else { return [] }
        phase = .leaving
        return [.sayGoodbye]
    }

    mutating func end(_ outcome: WorkerOutcome) -> [Action] {
        let stops = stopAll(.lost)
        phase = .ended
        return stops + [.dropLife, .end(outcome)]
    }

    // MARK: Signs of life

    mutating func tick(at now: Moment) -> [Action] {
        // A gap in our own clock (the process was stopped, the host slept) is not the peer's.
        let gap = now - lastTick
        if gap > heartbeat + Self.backoffMax { lastHeard += gap }
        lastTick = now
        guard phase == .present || phase == .leaving else { return [] }
        let silence = max(heartbeat * Self.silentHeartbeats, Self.silenceMin)
        guard now - lastHeard < silence || flaw == .deaf else {
            return lost("the coordinator has not answered for \(now - lastHeard)", at: now)
        }
        let leaving = leaveIfIdle(at: now)
        guard now - lastBeat >= heartbeat else { return leaving }
        lastBeat = now
        return [.heartbeat] + leaving
    }

    mutating func pushed(_ push: Push) -> [Action] {
        switch push {
        case .abandon(let step, let slice):
            let key = LeaseKey(life: life, step: step, slice: slice)
            let isHeld = slots.contains { $0.computing.contains(key) || $0.parked.contains(key) }
            return isHeld ? [.stopSlice(key, .abandoned)] : []
        case .over(let over):
            switch over.reason {
            case .done: return end(.done(over.detail))
            case .closing: return end(.closing(over.detail))
            case .failed: return end(.runFailed(over.detail))
            }
        }
    }
}
