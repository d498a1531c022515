import ArgumentParser
import Foundation
import Identity
import Keys

/// `pleiad keys`: a private authority, certificates and tokens.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make the keys with which a coordinator and its peers know each other.",
        discussion: """
            An authority is a directory that stays with the operator. Each host gets a directory \
            of its own that 'issue' makes, and gives it as --keys. Nothing is overwritten.

            Examples:
              pleiad keys init keys
              pleiad keys issue keys hub --role coordinator
              pleiad keys issue keys b2 --role worker
              pleiad keys issue keys alice --role operator --days 30
              scp -r keys/b2 b2:pleiad-keys
              pleiad coordinator RUN.yaml --state DIR --listen tls+tcp://0.0.0.0:4700 \
            --keys keys/hub
              pleiad worker --join tls+tcp://10.0.0.5:4700 --keys pleiad-keys

            Exit codes: 0 done; 1 failed; 2 bad name or directory; 64 wrong usage.
            """,
        subcommands: [KeysInitCommand.self, KeysIssueCommand.self, KeysTokenCommand.self])
}

/// When a certificate counts.
struct ValidityOptions: ParsableArguments {
    @Option(help: "The first day on which it counts, as 2026-11-24 (UTC). Default: an hour ago.")
    var from: String?

    /// Seconds of a day.
    private static let day = 86_400
    /// Clocks differ: what is made now counts on a host whose clock is an hour late.
    private static let slack = 3_600

    /// The span of so many days.
    func validity(days: Int) throws -> Validity {
        guard (1...36_500).contains(days) else {
            throw ValidationError("--days must be between 1 and 36500.")
        }
        guard let from else {
            let now = Int(Date.now.timeIntervalSince1970)
            return Validity(from: now - Self.slack, until: now + days * Self.day)
        }
        guard let date = try? Date(from, strategy: .iso8601.year().month().day()) else {
            throw ValidationError("--from must be a day such as 2026-11-24.")
        }
        let start = Int(date.timeIntervalSince1970)
        return Validity(from: start, until: start + days * Self.day)
    }
}

/// `pleiad keys init`: a new authority.
struct KeysInitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make a private authority in a new directory.",
        discussion: """
            Who has the directory can let anybody in: keep it, and give hosts what 'issue' makes.

            Example:
              pleiad keys init keys
            """)

    @Argument(help: "The directory to make.")
    var directory: String

    @Option(help: "Days for which the authority counts.")
    var days = 3650

    @OptionGroup var validityOptions: ValidityOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let validity = try validityOptions.validity(days: days)
        let authority = try KeyAuthority.make(in: directory, validity: validity)
        try report(
            json, ["directory": authority.directory, "until": utcText(validity.until)],
            "authority in \(authority.directory), until \(utcText(validity.until))")
    }
}

/// Prints what was made, as JSON or as a sentence.
func report(_ json: Bool, _ facts: [String: String], _ sentence: String) throws {
    guard json else { return printNow(sentence) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    printNow(String(decoding: try encoder.encode(facts), as: UTF8.self))
}
