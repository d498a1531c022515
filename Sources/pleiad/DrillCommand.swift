import ArgumentParser
import Drill
import Foundation
import Processes
import Storage

/// `pleiad drill`: tries the promises of a run with real processes and real faults.
struct DrillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drill",
        abstract: "Train under kills, hangs and cut connections, and prove that no bit changed.",
        discussion: """
            Runs a training with a coordinator and workers as processes of its own, in a \
            directory and on ports of its own, and does faults to it: SIGKILL, SIGSTOP and cut or \
            stalled connections to workers, SIGKILL to the coordinator. Then it makes the same run \
            without faults and compares every step and the final digest. Exits 0 only if every \
            promise held; times that are aimed at are reported, and count with --strict.

            Examples:
              pleiad drill deploy/runs/fashion-mlcd-quick.yaml --kills 5 --steps 400
              pleiad drill RUN.yaml --kills 20 --seed 7 --workers 4 --json
              pleiad drill RUN.yaml --kills 3 --kinds kill-coordinator
              pleiad drill RUN.yaml --kills 5 --tls
              pleiad drill RUN.yaml --minutes 20 --every 15..30
            """)

    @Argument(help: "The run file (YAML).")
    var runFile: String

    @Option(help: "Faults to inject; every kind occurs among five in a row.")
    var kills = 5

    @Option(help: "Decides kinds, targets and moments of the faults.")
    var seed: UInt64 = 0

    @Option(help: "Stop at this step; the schedule stays that of the run file.")
    var steps: Int?

    @Option(help: "Workers, each a process with one slot.")
    var workers = 3

    @Option(help: "Kinds of faults, with commas between them.")
    var kinds = FaultKind.allCases.map(\.rawValue).joined(separator: ",")

    @Option(help: "Go on for so many minutes instead, and watch memory, descriptors and goodput.")
    var minutes: Double?

    @Option(help: "With --minutes: seconds between a healed fault and the next, as LOW..HIGH.")
    var every = "15..30"

    @Flag(help: "Encrypt all connections, with keys of the drill's own.")
    var tls = false

    @Flag(help: "Exit 1 also if a time that is aimed at was missed.")
    var strict = false

    @Flag(help: "Keep the drill's directory; it is kept in any case if a promise did not hold.")
    var keep = false

    @Flag(help: "Print the report as JSON.")
    var json = false

    @Option(help: .init("The program that is tried.", visibility: .private))
    var program: String?

    func validate() throws {
        guard try !faultKinds().isEmpty else {
            throw ValidationError("--kinds names at least one kind.")
        }
        guard (0...10_000).contains(kills) else {
            throw ValidationError("--kills must be between 0 and 10000.")
        }
        guard (1...64).contains(workers) else {
            throw ValidationError("--workers must be between 1 and 64.")
        }
        if let minutes, !(0.1...10_000).contains(minutes) {
            throw ValidationError("--minutes must be between 0.1 and 10000.")
        }
        _ = try pauses()
    }

    func run() async throws {
        let extent: DrillOptions.Extent =
            if let minutes {
                .soak(minutes: minutes, every: try pauses())
            } else {
                .faults(kills, steps: steps)
            }
        let drill = try Drill(
            DrillOptions(
                runFile: runFile, extent: extent, seed: seed, workers: workers,
                kinds: try faultKinds(), isEncrypted: tls,
                program: program.map { URL(fileURLWithPath: $0) } ?? ChildProcess.thisProgram))
        var report = try await untilInterrupted(drill, keepsFiles: keep)
        let isKept = keep || !report.passed
        if isKept {
            printError("the runs' files are kept in \(drill.directory)")
        } else {
            drill.removeDirectory()
            report.directory = nil
        }
        print(json ? report.json : DrillTable(report).text)
        if !report.passed { throw RunFailed(description: "a promise did not hold") }
        if strict, !report.targetsMet { throw RunFailed(description: "a target was missed") }
    }

    private func faultKinds() throws -> [FaultKind] {
        try kinds.split(separator: ",").map { name in
            guard let kind = FaultKind(rawValue: String(name)) else {
                let all = FaultKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--kinds: '\(name)' is none of \(all).")
            }
            return kind
        }
    }

    private func pauses() throws -> ClosedRange<Double> {
        let ends = every.components(separatedBy: "..").compactMap { Double($0) }
        guard ends.count == 2, ends[0] > 0, ends[0] <= ends[1] else {
            throw ValidationError("--every is LOW..HIGH, in seconds, such as 15..30.")
        }
        return ends[0]...ends[1]
    }
}
