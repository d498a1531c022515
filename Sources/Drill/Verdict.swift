/// What a drill concludes from what it saw: promises and targets, without a look at anything else.
struct Verdict: Sendable {
    var planned: Int
    var faults: [FaultReport]
    var faulted: Evidence
    var faultFree: Evidence?
    var soak: SoakFigures?

    /// Memory may grow by so much after the warm-up.
    static let growthMax = 0.02
    /// From so many minutes on it must have been measured.
    static let memoryMinutesMin = 5.0
    /// Committed work under faults is at least so much of that without.
    static let goodputMin = 0.85

    /// The faults with their targets.
    var judged: [FaultReport] {
        guard let median = faultFree?.timeline.medianStepSeconds else { return faults }
        return faults.map { fault in
            var fault = fault
            fault.judge(medianStepSeconds: median)
            return fault
        }
    }

    /// Everything that must be true.
    var promises: [Promise] {
        [
            ending, injected, recovered, undisturbed, named, kept, sameSteps, sameDigest,
        ] + soakPromises
    }

    private var ending: Promise {
        let failures = [faulted.failure, faultFree?.failure].compactMap { $0 }
        return Promise(
            name: "both runs came to their end", held: failures.isEmpty && faultFree != nil,
            detail: failures.isEmpty
                ? (faultFree == nil ? "the run without faults was not made" : "they did")
                : failures.joined(separator: "; "))
    }

    private var injected: Promise {
        Promise(
            name: "every fault was injected", held: faults.count == planned || soak != nil,
            detail: soak == nil ? "\(faults.count) of \(planned)" : "\(faults.count)")
    }

    private var recovered: Promise {
        let stuck = faults.filter { $0.recoveredSeconds == nil }
        let problems = faults.flatMap { fault in
            fault.problems.map { "fault \(fault.number): \($0)" }
        }
        return Promise(
            name: "the run went on after every fault, and everybody came back",
            held: stuck.isEmpty && problems.isEmpty,
            detail: problems.isEmpty
                ? "longest time without a commit "
                    + "\(rounded(faulted.timeline.longestPause)) s"
                : problems.joined(separator: "; "))
    }

    private var undisturbed: Promise {
        let disturbed = faults.filter { !$0.othersUndisturbed }
        return Promise(
            name: "other workers were undisturbed: same process, same incarnation",
            held: disturbed.isEmpty,
            detail: disturbed.isEmpty
                ? "in all \(faults.count) faults"
                : disturbed.map { "fault \($0.number)" }.joined(separator: ", "))
    }

    private var named: Promise {
        let causes = faults.flatMap { fault in fault.why.map { (fault, $0) } }
        let missed = causes.filter { $0.1.outcome == .notNamed }.map { fault, why in
            "fault \(fault.number), \(why.cause.rawValue): \(why.said ?? "nothing was said")"
        }
        let short = causes.count { $0.1.outcome == .tooShort }
        return Promise(
            name: "why named the cause of every fault that could be asked about",
            held: missed.isEmpty,
            detail: missed.isEmpty
                ? "\(causes.count - short) causes named, \(short) were over too soon to ask"
                : missed.joined(separator: "; "))
    }

    private var kept: Promise {
        let lost = faulted.stepsLost
        return Promise(
            name: "no committed step was lost",
            held: lost.isEmpty && faulted.ledgerProblem == nil,
            detail: faulted.ledgerProblem
                ?? (lost.isEmpty
                    ? "\(faulted.ledger.count) steps are in the ledger with their digests"
                    : "lost: \(list(lost))"))
    }

    private var sameSteps: Promise {
        let name = "every step has the bits of the run without faults"
        guard let faultFree else { return Promise(name: name, held: false, detail: "no such run") }
        let differ = faulted.differences(from: faultFree)
        let isAll = faulted.ledger.count == faultFree.ledger.count
        return Promise(
            name: name, held: differ.isEmpty && isAll && !faulted.ledger.isEmpty,
            detail: differ.isEmpty
                ? "\(faulted.ledger.count) steps with faults, \(faultFree.ledger.count) without"
                : "steps that differ: \(list(differ))")
    }

    private var sameDigest: Promise {
        let mine = faulted.digest
        return Promise(
            name: "the final digest equals that of the run without faults",
            held: mine != nil && mine == faultFree?.digest
                && faulted.digestStep == faultFree?.digestStep,
            detail: "\(mine ?? "none") with faults, \(faultFree?.digest ?? "none") without")
    }

    private var soakPromises: [Promise] {
        guard let soak else { return [] }
        let growths = [("coordinator", soak.coordinatorGrowth), ("workers", soak.workerGrowth)]
        // In a short soak nobody lives long enough to tell a warm-up from a leak.
        let unmeasured = soak.minutes < Self.memoryMinutesMin ? 0.0 : 1.0
        return [
            Promise(name: "no hang", held: soak.hangs == 0, detail: "\(soak.hangs)"),
            Promise(
                name: "no descriptor leaked",
                held: soak.leakedDescriptors.isEmpty && soak.descriptorComparisons > 0,
                detail: soak.leakedDescriptors.isEmpty
                    ? "0 in \(soak.descriptorComparisons) comparisons"
                    : soak.leakedDescriptors.joined(separator: "; ")),
            Promise(
                name: "memory grew by less than 2 % after the warm-up",
                held: growths.allSatisfy { ($0.1 ?? unmeasured) < Self.growthMax },
                detail: growths.map { name, growth in
                    "\(name) "
                        + (growth.map { "\(rounded(100 * $0)) %" }
                            ?? "not measured")
                }.joined(separator: ", ")
                    + "; \(soak.lives.count) lives, \(soak.shortLives) more were too short"),
            Promise(
                name: "goodput of at least 85 %", held: (soak.goodput ?? 0) >= Self.goodputMin,
                detail: soak.goodput.map { "\(rounded(100 * $0)) %" } ?? "not measured"),
        ]
    }

    /// Times that are aimed at, over the faults of a kind.
    var targets: [Target] {
        let names: [(String, [FaultKind])] = [
            ("killed worker: to the next step", [.killWorker]),
            ("cut connections: to the next step", [.cutConnections]),
            ("stopped worker: to being found", [.stopWorker]),
            ("stalled connections: to being found", [.stallConnections]),
            ("killed coordinator: from its restart to its first step", [.killCoordinator]),
        ]
        return names.compactMap { name, kinds in
            let faults = judged.filter { kinds.contains($0.kind) && $0.targetSeconds != nil }
            let times = faults.compactMap(\.measuredSeconds).sorted()
            guard let worst = times.last, let limit = faults[0].targetSeconds else { return nil }
            return Target(
                name: name, count: times.count, medianSeconds: times[times.count / 2],
                worstSeconds: worst, limitSeconds: limit, isMet: worst <= limit)
        }
    }

    private func list(_ steps: [Int]) -> String {
        steps.prefix(8).map(String.init).joined(separator: ", ")
            + (steps.count > 8 ? " and \(steps.count - 8) more" : "")
    }

    private func rounded(_ value: Double) -> String {
        "\((value * 100).rounded() / 100)"
    }
}
