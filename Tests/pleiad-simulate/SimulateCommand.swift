import ArgumentParser
import Dispatch
import Simulation

/// Runs the coordinator's machine and the workers' sessions in simulated worlds, one a seed.
@main struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pleiad-simulate",
        abstract: "Runs coordinator and workers in simulated worlds, one a seed.",
        discussion: """
            Exits 0 if every seed held. A seed replays exactly: --seed N runs it alone. With a \
            planted bug (--flaw) it ends at the first seed that finds it, and exits 0 if one does.
            """)

    @Option(help: "How many seeds.") var seeds: UInt64 = 200
    @Option(help: "The first of them.") var firstSeed: UInt64 = 1
    @Option(help: "Run this seed alone.") var seed: UInt64?
    @Option(help: "Plant a bug; 'list' lists them.") var flaw: String?
    @Option(help: "Threads, each with seeds of its own.") var threads: Int = 2
    @Option(help: "A file that names the seeds that run now, for a crash.") var running: String?
    @Flag(help: "With --seed: print everything that happens.") var log = false
    @Flag(help: "Print one JSON object.") var json = false

    mutating func validate() throws {
        guard threads >= 1, threads <= 64 else {
            throw ValidationError("--threads is 1 to 64")
        }
        if let flaw, flaw != "list", Planted(named: flaw) == nil {
            throw ValidationError("no bug is called '\(flaw)'; --flaw list lists them")
        }
    }

    func run() throws {
        if flaw == "list" { return Planted.all.forEach { print($0) } }
        let range = seed.map { $0...$0 } ?? firstSeed...(firstSeed + max(seeds, 1) - 1)
        let planted = flaw.flatMap { Planted(named: $0) } ?? .none
        if log, let seed {
            let report = simulate(seed: seed, flaw: planted) { print($0) }
            return report.problems.forEach { print($0) }
        }
        let clock = ContinuousClock()
        let begin = clock.now
        let campaign = Campaign(
            range, flaw: planted, stopsAtFirst: flaw != nil, running: running)
        DispatchQueue.concurrentPerform(iterations: threads) { campaign.work(thread: $0) }
        let result = campaign.result
        print(
            json
                ? result.json(seconds: clock.now - begin)
                : result.text(seconds: clock.now - begin))
        if result.failures.isEmpty == (flaw == nil) { return }
        throw ExitCode(1)
    }
}
