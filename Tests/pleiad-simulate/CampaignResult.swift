import Simulation

/// What came of many seeds.
struct CampaignResult: Sendable {
    /// Seeds that ran.
    private(set) var count = 0
    /// Reports of seeds that did not hold, by seed.
    private(set) var failures: [SimulationReport] = []
    private var events = 0
    private var simulated = Duration.zero
    private var faults: [String: Int] = [:]
    private var marks: [String: Int] = [:]

    /// Takes a seed's report in.
    mutating func add(_ report: SimulationReport) {
        count += 1
        events += report.events
        simulated += report.simulatedTime
        faults.merge(report.faults, uniquingKeysWith: +)
        marks.merge(report.marks, uniquingKeysWith: +)
        if !report.hasHeld {
            failures.append(report)
            failures.sort { $0.seed < $1.seed }
        }
    }

    private func seconds(_ time: Duration) -> Double { time / .seconds(1) }

    private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

    /// For people.
    func text(seconds time: Duration) -> String {
        let took = seconds(time)
        var lines: [String] = []
        for failure in failures.prefix(5) {
            lines.append("seed \(failure.seed) did not hold:")
            lines += failure.problems.prefix(4).map { "  \($0)" }
        }
        if let first = failures.first {
            lines.append("replay: deploy/simulate --seed \(first.seed)")
        }
        lines.append(
            "\(count) seeds, \(failures.count) did not hold; \(rounded(took)) s, "
                + "\(rounded(Double(count) / max(took, 0.001))) seeds/s, "
                + "\(rounded(seconds(simulated) / 3600)) simulated hours, \(events) events, "
                + "\(faults.values.reduce(0, +)) faults")
        let met = marks.keys.sorted().map { "\($0) \(marks[$0] ?? 0)" }
        lines.append("met: " + met.joined(separator: ", "))
        return lines.joined(separator: "\n")
    }

    /// For programs.
    func json(seconds time: Duration) -> String {
        let took = seconds(time)
        let failed = failures.map(\.seed).map(String.init).joined(separator: ", ")
        return """
            {"seeds": \(count), "held": \(count - failures.count), "failed": [\(failed)], \
            "seconds": \(rounded(took)), \
            "seeds_per_second": \(rounded(Double(count) / max(took, 0.001))), \
            "simulated_hours": \(rounded(seconds(simulated) / 3600)), "events": \(events), \
            "faults": {\(members(faults))}, "met": {\(members(marks))}}
            """
    }

    private func members(_ counts: [String: Int]) -> String {
        counts.keys.sorted().map { "\"\($0)\": \(counts[$0] ?? 0)" }.joined(separator: ", ")
    }
}
