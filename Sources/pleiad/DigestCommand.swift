import ArgumentParser
import CoordinatorDaemon

/// `pleiad digest`: what names a run's state to the last bit.
struct DigestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "digest",
        abstract: "Print the digests of a run's newest checkpoint.",
        discussion: """
            Two runs with equal digests are equal to the last bit: parameters (buffers and \
            teachers included), optimizer state, and every table, queue and scalar. The digests \
            are computed from the files, whose checksums are verified.

            Example:
              pleiad digest runs/quick
            """)

    @Argument(help: "The run's state directory.")
    var directory: String

    func run() throws {
        print(try StoredRun(directory: directory).digests().text)
    }
}
