import CoordinatorCore
import Identity
import Messages
import Storage

/// What came of one seed.
public struct SimulationReport: Sendable {
    /// The seed.
    public var seed: UInt64
    /// What did not hold, the first thing first; empty if all did.
    public var problems: [String]
    /// The simulated time.
    public var simulatedTime: Duration
    /// Events that the machine took in.
    public var events: Int
    /// Faults that happened, by name.
    public var faults: [String: Int]
    /// Rare situations that were met, by name.
    public var marks: [String: Int]
    /// Folds everything that was sent, with its time: equal for equal runs.
    public var trace: UInt64

    /// Whether everything held.
    public var hasHeld: Bool { problems.isEmpty }
}

/// Makes one run in a simulated world: first with faults, then without, until it is done.
///
/// - Parameters:
///   - seed: decides everything that happens.
///   - flaw: a bug that is planted.
///   - isFaulty: false for a run to which nothing happens.
///   - log: hears of everything that happens.
public func simulate(
    seed: UInt64, flaw: Planted = .none, isFaulty: Bool = true,
    log: ((String) -> Void)? = nil
) -> SimulationReport {
    let plan = Plan(seed: seed, isFaulty: isFaulty)
    let world = World(plan: plan, flaws: flaw, log: log)
    let run = SimulatedRun(world: world)
    run.play(isFaulty: isFaulty)
    defer { world.dissolve() }
    return run.report
}

/// A simulated run from its start to its end.
private struct SimulatedRun {
    let world: World

    func play(isFaulty: Bool) {
        world.start()
        if isFaulty { world.scheduleFaults() } else { world.heal() }
        let limit = world.plan.faultTime + Plan.healedTimeMax
        var quietFrom: Nanoseconds?
        while world.referee.problems.isEmpty {
            guard world.agenda.runNext() else {
                world.referee.fail("nothing happens any more")
                break
            }
            if world.isDone, world.isHealed {
                // Those who are left hear of the end in their own time.
                let from = quietFrom ?? world.agenda.now
                quietFrom = from
                if world.agenda.now > from + .seconds(6), world.unaware.isEmpty { break }
                if world.agenda.now > from + Plan.endHeardMax {
                    world.referee.fail("\(world.unaware) do not hear of the end")
                }
            } else {
                quietFrom = nil
            }
            if world.agenda.now > limit {
                world.referee.fail("the run does not end: \(stand)")
            }
        }
        if world.referee.problems.isEmpty { checkEnd() }
    }

    private var stand: String {
        guard let coordinator = world.coordinator else { return "no coordinator" }
        let status = coordinator.machine.status(at: coordinator.moment)
        return "\(status.state) at step \(status.step) of \(status.steps), \(status.detail)"
            + status.workers.map { " \($0.name) \($0.state) \($0.phase) \($0.slices)" }.joined()
            + status.waiting.prefix(4).map { "; \($0.what) \($0.who)" }.joined()
    }

    private func checkEnd() {
        let referee = world.referee
        let expected = referee.expected
        referee.checkEnd()
        if world.coordinator?.engine.state.digest != expected.states.last?.digest {
            referee.fail("the final state is not that of the fault-free run")
        }
        do {
            let records = try SimulatedDirectory.records(on: world.disk)
            let next = expected.states.dropFirst().map(\.digest.hex)
            if records.map(\.next) != next || records.map(\.step) != Array(0..<world.plan.steps) {
                referee.fail("the ledger does not hold every step once")
            }
        } catch {
            referee.fail("the ledger cannot be read: \(error)")
        }
    }

    var report: SimulationReport {
        var faults: [String: Int] = [:]
        for (kind, count) in world.faultCounts { faults[kind.rawValue] = count }
        var marks: [String: Int] = [:]
        for (kind, count) in world.markCounts { marks[kind.rawValue] = count }
        return SimulationReport(
            seed: world.plan.seed, problems: world.referee.problems,
            simulatedTime: world.agenda.now.duration, events: world.referee.events,
            faults: faults, marks: marks, trace: world.referee.traceDigest)
    }
}
