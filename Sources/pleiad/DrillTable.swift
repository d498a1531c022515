import Drill
import Foundation

/// A drill's report as a screen for people.
struct DrillTable {
    private let report: DrillReport

    init(_ report: DrillReport) { self.report = report }

    /// The screen, without a final newline.
    var text: String {
        var lines = columns(
            [["fault", "kind", "target", "step", "found", "recovered", "healed", "aim", "notes"]]
                + report.faults.map(row))
        lines.append("")
        for fault in report.faults {
            lines += fault.why.map {
                "why     fault \(fault.number), \($0.cause.rawValue): \(words($0))"
            }
        }
        for promise in report.promises {
            lines.append(
                "\(promise.held ? "held  " : "BROKEN")  \(promise.name): \(promise.detail)")
        }
        for target in report.targets {
            lines.append(
                "\(target.isMet ? "met   " : "missed")  \(target.name): median "
                    + "\(decimals(target.medianSeconds, 3)) s, worst "
                    + "\(decimals(target.worstSeconds, 3)) s of "
                    + "\(decimals(target.limitSeconds, 3)) s, \(target.count) times")
        }
        for life in report.soak?.lives ?? [] { lines.append("memory  \(life)") }
        lines.append("")
        lines.append(headline)
        return lines.joined(separator: "\n")
    }

    private var headline: String {
        let median = report.faultFreeMedianStepSeconds.map { "\(decimals(1000 * $0, 0)) ms" }
        return "\(report.passed ? "passed" : "FAILED"): \(grouped(report.steps)) steps, "
            + "\(report.faults.count) faults, \(report.stepsLost) steps lost, seed \(report.seed), "
            + "median step \(median ?? "unknown"), \(duration(report.seconds)) in all"
    }

    private func row(_ fault: FaultReport) -> [String] {
        var notes: [String] = []
        if let first = fault.firstStepSeconds, let new = fault.newStepSeconds {
            notes.append(
                "first step \(decimals(first, 2)) s after the restart, first new one "
                    + "\(decimals(new, 2)) s, \(fault.stepsMadeAgain ?? 0) made again")
        }
        if !fault.othersUndisturbed { notes.append("others were disturbed") }
        return [
            "\(fault.number)", fault.kind.rawValue, fault.target, "\(fault.step)",
            seconds(fault.foundSeconds), seconds(fault.recoveredSeconds),
            seconds(fault.healedSeconds),
            fault.isWithinTarget.map { $0 ? "met" : "missed" } ?? "",
            (notes + fault.problems).joined(separator: "; "),
        ]
    }

    private func words(_ why: NamedCause) -> String {
        switch why.outcome {
        case .named: "after \(decimals(why.afterSeconds ?? 0, 2)) s: \(why.said ?? "")"
        case .tooShort: "over too soon to ask"
        case .notNamed: "NOT NAMED: \(why.said ?? "")"
        }
    }

    private func seconds(_ value: Double?) -> String { value.map { decimals($0, 3) } ?? "" }
}
