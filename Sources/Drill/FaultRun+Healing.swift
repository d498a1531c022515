import CoordinatorDaemon
import Processes

// How the others come out of a fault, and how its target comes back.
extension FaultRun {
    // MARK: The others

    /// The workers that take leases now.
    func snapshot() async -> [Int: Before] {
        var found: [Int: Before] = [:]
        for number in 1...training.options.workers where !healing.contains(number) {
            guard await training.isReady(number), let worker = await training.worker(number),
                let process = await training.workers.process(number)
            else { continue }
            found[number] = Before(
                processID: process.identifier, incarnation: worker.incarnation)
        }
        return found
    }

    /// Compares the other workers with what they were.
    func look(
        after at: Double, at before: [Int: Before], except target: Int,
        _ report: inout FaultReport
    ) async throws {
        let (recovered, known) = (at + (report.recoveredSeconds ?? 0), report.problems.count)
        _ = try await training.wait(seconds: Self.lookSecondsMax) {
            await ($0.look?.at ?? 0) > recovered
        }
        for number in before.keys.sorted() where number != target {
            guard let was = before[number] else { continue }
            let process = await training.workers.process(number)
            if process?.identifier != was.processID, await !training.isOver {
                report.problems.append("worker w\(number) is not process \(was.processID) any more")
            }
            guard report.kind != .killCoordinator else { continue }
            let incarnation = await training.worker(number)?.incarnation
            if let incarnation, incarnation != was.incarnation {
                report.problems.append(
                    "worker w\(number) is \(incarnation), it was \(was.incarnation)")
            }
        }
        report.othersUndisturbed = report.problems.count == known
    }

    // MARK: Healing

    /// Waits until a fault's target, or after the coordinator's death everybody, is back.
    func heal(_ index: Int) async throws {
        let report = reports[index]
        let isBack: Bool
        if report.kind == .killCoordinator {
            isBack = try await training.wait(seconds: Self.healSecondsMax) { await $0.isCalm }
        } else {
            let number = Int(report.target.dropFirst()) ?? 0
            let former = incarnations[index]
            isBack = try await training.wait(seconds: Self.healSecondsMax) { training in
                guard await (training.look?.at ?? 0) > report.at else { return false }
                let incarnation = await training.worker(number)?.incarnation
                return await training.isReady(number) && incarnation != former
            }
            healing.remove(number)
        }
        let named = await training.stopListening(to: report.number)
        // Where the newest checkpoint has every step nothing is made again.
        reports[index].why += named.filter {
            $0.cause != .stepsMadeAgain || report.stepsMadeAgain ?? 0 > 0
        }
        if await training.isOver { return }
        if isBack {
            reports[index].healedSeconds = training.now - report.at
        } else {
            reports[index].problems.append(
                "\(report.target) is not back within \(Int(Self.healSecondsMax)) s")
        }
    }
}
