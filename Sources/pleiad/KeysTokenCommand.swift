import ArgumentParser
import Foundation
import Identity
import Keys

/// `pleiad keys token`: a token alone.
struct KeysTokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make a token alone, for a holder who has a certificate or needs none.",
        discussion: """
            Prints the token, or writes it to a new file that only its owner can read. A token \
            counts until its id, which --json prints, stands in the file 'revoked' of the \
            coordinator's keys, one a line, when the coordinator starts.

            Examples:
              pleiad keys token keys alice --role viewer --to alice/token
              pleiad keys token keys b2 --role worker --json
            """)

    @Argument(help: "The authority's directory.")
    var directory: String

    @Argument(help: "The holder's name: 1 to 48 letters, digits, dashes and underscores.")
    var name: String

    @Option(help: "worker, viewer or operator.")
    var role: String

    @Option(help: "The file to make. Default: standard output.")
    var to: String?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard PeerRole(name: role) != nil else {
            throw ValidationError("--role must be worker, viewer or operator.")
        }
    }

    func run() async throws {
        guard let peerRole = PeerRole(name: role) else { return }
        let token = try KeyAuthority(directory: directory)
            .token(for: peerRole, name: name, to: to)
        var facts = ["id": hexText(token.id), "name": name, "role": peerRole.name]
        facts["file"] = to
        if to == nil { facts["token"] = token.text }
        try report(
            json, facts, to.map { "token of \(peerRole.name) \(name) in \($0)" } ?? token.text)
    }
}
