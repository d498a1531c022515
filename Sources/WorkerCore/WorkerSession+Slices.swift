import Messages

// What the slots do: asking for leases, parking, ending, handing back.
extension WorkerSession {
    /// A slot asks when it has nothing to compute: its parked slices need it only later.
    mutating func askIfIdle(_ slot: Int) -> [Action] {
        guard phase == .present, isReady, !isStopping, !slots[slot].isAsking,
            slots[slot].computing.isEmpty
        else { return [] }
        slots[slot].isAsking = true
        return [.askLease(slot: slot)]
    }

    mutating func leased(_ lease: Lease, slot: Int) -> [Action] {
        slots[slot].isAsking = false
        let key = LeaseKey(life: life, step: lease.task.step, slice: lease.task.slice)
        guard !isStopping else { return handBack(key, .drain, "the worker drains") }
        slots[slot].computing.append(key)
        return [.run(key, lease, slot: slot)]
    }

    mutating func leaseRefused(
        _ refusal: Refusal, slot: Int, at now: Moment
    ) -> [Action] {
        slots[slot].isAsking = false
        switch refusal.code {
        case .runFailed: return end(.runFailed(refusal.detail))
        default: return lost(refusal.description, at: now)
        }
    }

    mutating func parked(_ key: LeaseKey) -> [Action] {
        guard let slot = slots.firstIndex(where: { $0.computing.contains(key) }) else { return [] }
        slots[slot].computing.removeAll { $0 == key }
        slots[slot].parked.append(key)
        return askIfIdle(slot)
    }

    mutating func resumed(_ key: LeaseKey) -> [Action] {
        guard let slot = slots.firstIndex(where: { $0.parked.contains(key) }) else { return [] }
        slots[slot].parked.removeAll { $0 == key }
        slots[slot].computing.append(key)
        return []
    }

    mutating func ended(_ key: LeaseKey, _ end: SliceEnd) -> [Action] {
        guard
            let slot = slots.firstIndex(where: {
                $0.computing.contains(key) || $0.parked.contains(key)
            })
        else { return [] }
        slots[slot].computing.removeAll { $0 == key }
        slots[slot].parked.removeAll { $0 == key }
        let back: [Action] =
            switch end {
            case .result, .gone, .stopped(.lost): []
            case .stopped(.drain): handBack(key, .drain, "the worker drains")
            case .stopped(.abandoned): handBack(key, .abandoned, "told to abandon it")
            case .failed(let problem): handBack(key, .failed, problem)
            }
        if flaw == .asksNoMore, end != .result { return back }
        return back + askIfIdle(slot) + leaveIfIdle()
    }

    mutating func handBack(
        _ key: LeaseKey, _ reason: ReturnReason, _ detail: String
    ) -> [Action] {
        guard phase == .present else { return [] }
        errands += 1
        return [.handBack(key, reason, detail)]
    }
}
