import ArgumentParser
import Storage
import Verification

/// `pleiad ledger`: what the record of committed steps proves.
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Prove from a run's ledger that no sample was lost or counted twice.",
        subcommands: [Verify.self])

    /// `pleiad ledger verify`.
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Hold a ledger against the run's schedule, from the files alone.",
            discussion: """
                Computes the schedule again from run.yaml and the number of samples in \
                numerics.json; neither data nor coordinator is needed. Then, record after record: \
                steps follow one another without gap or repetition; each holds just the samples \
                that the schedule gives it, in just its slices, each delivered once by a named \
                worker; every whole pass over the data visits every sample of it exactly once; \
                each step begins with the version that the one before led to, the first with the \
                one that the run file and seed give; checkpoints hold the version that the ledger \
                records. The first record that is wrong is named by its line.

                Exit codes: 0 proved; 1 not so; 2 the directory holds no run.

                Examples:
                  pleiad ledger verify runs/quick
                  pleiad ledger verify runs/quick --json | jq .ledger

                See also: docs/reliability.md, "Ledger"; pleiad verify.
                """)

        @Argument(help: "The run's state directory.")
        var directory: String

        @Flag(help: "Print JSON.")
        var json = false

        func run() throws {
            let report = try DirectoryReport(
                provingLedgerOf: directory, computes: computesRunBits)
            print(json ? report.json.text : report.ledgerText)
            guard report.isSound else {
                throw NotSound(
                    description: "the ledger of \(directory) proves nothing: "
                        + named(report.problems))
            }
        }
    }
}
