/// What the turns of all ways of running found.
struct ScaleFigures {
    /// The turns of each way, in order.
    let turns: [ScaleMode: [ScaleTurn]]
    /// The multiply-add peak of a core, operations a second: the middle one of all rounds.
    let peakOfOneCore: Double

    /// Floating-point operations a second of a worker of one slot that has the machine to itself.
    var operationsOfOneSlot: Double {
        ScaleRuns.operations * Double(ScaleRuns.batch) / middle(.oneWorker, \.seconds)
    }

    /// Samples a second whose exchange the coordinator answers.
    var answerSamplesPerSecond: Double {
        Double(ScaleRuns.batch) / middle(.oneWorker, \.answerSeconds)
    }

    /// A line for each way.
    func lines(wire: ScaleWire) -> [CaseLine] {
        ScaleMode.allCases.map { line($0, wire: wire) }
    }

    private func line(_ mode: ScaleMode, wire: ScaleWire) -> CaseLine {
        let step = middle(mode, \.seconds)
        var line = CaseLine(mode.rawValue)
        line.set("seconds", step)
        line.set("images_per_second", Double(ScaleRuns.batch) / step)
        let rate = ScaleRuns.operations * Double(ScaleRuns.batch) / step
        let peak = Double(mode.slots) * peakOfOneCore
        line.set("gflops", rate * 1e-9)
        line.set("share_of_peak", rate / peak)
        line.set("peak_gflops", peak * 1e-9)
        line.set("turns", turns[mode]?.count ?? 0)
        line.set("turn_seconds", middle(mode, \.turnSeconds))
        line.set("answer_seconds", middle(mode, \.answerSeconds))
        line.set(
            "coordinator_critical_share",
            median(each(mode) { ($0.turnSeconds + $0.answerSeconds) / $0.seconds }))
        guard mode != .inProcess else { return line }
        // The versions of all workers and the gradients of all nodes.
        let bytes =
            Double(ScaleRuns.parameterBytes) * (Double(mode.workers) + middle(mode, \.nodes))
        line.set("bytes", Int(bytes))
        line.set("wire_seconds", bytes / wire.bytesPerSecond)
        line.set("wire_gigabytes_per_second", wire.bytesPerSecond * 1e-9)
        line.set("share_of_in_process", ratio(mode, to: .inProcess))
        line.set("efficiency", ratio(mode, to: .oneWorker) / Double(mode.workers))
        return line
    }

    /// How many times faster one way is than another: the middle one of the rounds' ratios.
    private func ratio(_ mode: ScaleMode, to other: ScaleMode) -> Double {
        let (mine, others) = (turns[mode] ?? [], turns[other] ?? [])
        return median(zip(mine, others).map { $1.seconds / $0.seconds })
    }

    private func middle(_ mode: ScaleMode, _ value: (ScaleTurn) -> Double) -> Double {
        median(each(mode, value))
    }

    private func each(_ mode: ScaleMode, _ value: (ScaleTurn) -> Double) -> [Double] {
        (turns[mode] ?? []).map(value)
    }
}
