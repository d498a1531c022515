import Messages

// What happens inside the open step, point 4: inputs and answers (design, section 2.4).
extension StepMachine {
    /// An input: the first one counts, a repeated one must be the same, or the slice is disputed.
    ///
    /// The answer comes when the slice's group is answered, or at once if it is.
    mutating func take(_ input: Exchange, _ key: StagedKey, from asker: Asker) {
        guard input.step == steppingStep, let open = step else {
            effects.append(.dropStaged(key))
            refuse(asker, .leaseGone, "step \(input.step) is not open")
            return
        }
        let round = Int(input.round)
        if let refusal = objection(to: input, round: round, of: asker.worker, in: open) {
            effects.append(.dropStaged(key))
            answer(asker, .reply(.refused(refusal)))
            return
        }
        let slice = input.slice.index
        let name = sessions.name(of: asker.worker)
        guard judge(input, slice: slice, round: round, from: asker) else {
            effects.append(.dropStaged(key))
            return
        }
        let taken = step?.exchanges.take(
            slice: slice, round: round, digest: input.digest, from: name, asker.worker)
        switch taken {
        case .kept:
            effects.append(.keepInput(key, input.step, input.slice, round: round))
        case .repeated, nil:
            effects.append(.dropStaged(key))
        }
        if open.exchanges.state(of: slice, round: round) == .answered {
            step?.leases.move(slice, of: asker.worker, to: .working, at: time)
            answer(asker, .exchange(ExchangeAnswer(to: input)))
            return
        }
        step?.exchanges.wait(asker, slice: slice, round: round, since: time)
        step?.leases.move(slice, of: asker.worker, to: .parked, at: time)
        askForAnswer(slice: slice, round: round)
    }

    private func objection(
        to input: Exchange, round: Int, of worker: Incarnation, in open: OpenStep
    ) -> Refusal? {
        guard round < settings.rounds.count, let slice = open.slice(input.slice) else {
            return Refusal(.badValue, "slice \(input.slice), round \(input.round)")
        }
        guard open.leases.holds(worker, slice) else {
            return Refusal(.leaseGone, "slice \(slice) of step \(input.step)")
        }
        for earlier in 0..<round
        where open.exchanges.state(of: slice, round: earlier) != .answered {
            return Refusal(
                .outOfOrder, "round \(settings.rounds[earlier]) of slice \(slice) is not answered")
        }
        return nil
    }

    private mutating func askForAnswer(slice: Int, round: Int) {
        guard let number = step?.opened.step,
            let group = step?.exchanges.completeGroup(of: slice, round: round, at: time)
        else { return }
        let slices = settings.groups[round][group]
        effects.append(
            .answerGroup(
                number, round: round, group: group,
                slices: SliceRange(slices.lowerBound, slices.upperBound)))
    }

    /// A group is answered: its slices go on.
    mutating func passOn(_ number: StepNumber, round: Int, group: Int) {
        guard number == steppingStep, settings.groups.indices.contains(round),
            settings.groups[round].indices.contains(group)
        else { return }
        for (slice, asker) in step?.exchanges.answer(group, round: round) ?? [] {
            step?.leases.move(slice, of: asker.worker, to: .working, at: time)
            let answer = ExchangeAnswer(
                step: number, slice: SliceNumber(slice), round: UInt16(round))
            self.answer(asker, .exchange(answer))
        }
    }
}

extension ExchangeAnswer {
    /// The answer to an input.
    init(to input: Exchange) {
        self.init(step: input.step, slice: input.slice, round: input.round)
    }
}
