import ArgumentParser
import Foundation
import Identity
import Keys

/// `pleiad keys issue`: keys for one holder.
struct KeysIssueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Make a directory of keys for a coordinator, a worker or a person.",
        discussion: """
            The directory holds a certificate with its key and a token (a coordinator's holds the \
            key to all tokens instead). A worker with the keys of b2 is named b2, or b2.SOMETHING, \
            so that several processes can share them.

            Roles: coordinator; worker (computes); viewer (status, why); operator (that, and \
            stop).

            Examples:
              pleiad keys issue keys hub --role coordinator
              pleiad keys issue keys b2 --role worker --to /tmp/b2-keys
            """)

    @Argument(help: "The authority's directory.")
    var directory: String

    @Argument(help: "The holder's name: 1 to 48 letters, digits, dashes and underscores.")
    var name: String

    @Option(help: "coordinator, worker, viewer or operator.")
    var role: String

    @Option(help: "Days for which the certificate counts.")
    var days = 730

    @OptionGroup var validityOptions: ValidityOptions

    @Option(help: "The directory to make. Default: NAME in the authority's directory.")
    var to: String?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard KeyRole(name: role) != nil else {
            throw ValidationError("--role must be coordinator, worker, viewer or operator.")
        }
    }

    func run() async throws {
        guard let keyRole = KeyRole(name: role) else { return }
        let validity = try validityOptions.validity(days: days)
        let issued = try KeyAuthority(directory: directory)
            .issue(name, as: keyRole, validity: validity, to: to)
        var facts = [
            "directory": issued.directory, "name": name, "role": keyRole.name,
            "from": utcText(validity.from), "until": utcText(validity.until),
        ]
        facts["token"] = issued.tokenID
        try report(
            json, facts,
            "keys of \(keyRole.name) \(name) in \(issued.directory), until "
                + utcText(validity.until))
    }
}
