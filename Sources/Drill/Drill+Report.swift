// What a drill says while it goes on, and at its end.
extension Drill {
    /// What a training is at.
    func progress(of training: Training, _ faultRun: FaultRun?) async -> DrillProgress {
        let timeline = await training.timeline
        let steps = training.options.steps
        var secondsLeft: Double?
        if let steps, let median = timeline.medianStepSeconds {
            // The run without faults follows the one with them, and takes as long or less.
            let rest = Double(steps - timeline.stepCount) * median
            secondsLeft = rest + (faultRun == nil ? 0 : Double(steps) * median)
        } else if case .soak(let minutes, _) = options.extent {
            secondsLeft = 2 * minutes * 60 - training.now
        }
        return DrillProgress(
            phase: faultRun == nil ? .faultFree : .faulted, step: timeline.stepCount,
            steps: steps, faults: (await faultRun?.reports.count ?? 0, plan.faults.count),
            secondsLeft: secondsLeft)
    }

    /// What a soak measured.
    func soakFigures(_ watch: ProcessWatch, _ verdict: Verdict) async -> SoakFigures {
        let (growth, tooShort) = await watch.growth
        let (ours, theirs) = (verdict.faulted.timeline, verdict.faultFree?.timeline)
        var goodput: Double?
        if let theirs, ours.span > 0, theirs.span > 0 {
            goodput =
                (Double(ours.stepCount - 1) / ours.span)
                / (Double(theirs.stepCount - 1) / theirs.span)
        }
        let lives = growth.map { id, life in
            "\(life.name) (\(id)), \(Int(life.seconds)) s: \(Int(life.heldKiB)) KiB held, "
                + "grown by \(Int(life.growthKiB)) KiB"
        }
        return SoakFigures(
            minutes: ours.span / 60,
            hangs: verdict.faults.count { $0.recoveredSeconds == nil },
            descriptorComparisons: await watch.measurements,
            leakedDescriptors: await watch.leaks,
            coordinatorGrowth: growth.map(\.1).filter { $0.name == "coordinator" }
                .map(\.fraction).max(),
            workerGrowth: growth.map(\.1).filter { $0.name != "coordinator" }
                .map(\.fraction).max(),
            lives: lives, shortLives: tooShort, goodput: goodput)
    }

    /// The report on a verdict.
    func report(_ verdict: Verdict, seconds: Double) -> DrillReport {
        let (promises, targets) = (verdict.promises, verdict.targets)
        return DrillReport(
            runFile: options.runFile, seed: options.seed, workers: options.workers,
            steps: verdict.faulted.ledger.count, passed: promises.allSatisfy(\.held),
            targetsMet: targets.allSatisfy(\.isMet), promises: promises, targets: targets,
            faults: verdict.judged, stepsLost: verdict.faulted.stepsLost.count,
            digest: verdict.faulted.digest, faultFreeDigest: verdict.faultFree?.digest,
            medianStepSeconds: verdict.faulted.timeline.medianStepSeconds,
            faultFreeMedianStepSeconds: verdict.faultFree?.timeline.medianStepSeconds,
            longestPauseSeconds: verdict.faulted.timeline.longestPause, soak: verdict.soak,
            seconds: seconds, directory: directory)
    }
}
