import ArgumentParser
import Client
import Foundation
import Keys
import Messages

/// `pleiad stop`: ends a run at the end of its open step.
struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "End a run after its open step, with a checkpoint.",
        discussion: """
            The same as Ctrl-C at the coordinator. Where tokens are asked for it needs an \
            operator's.

            Examples:
              pleiad stop
              pleiad stop tls+tcp://10.0.0.5:4700 --keys keys/alice --reason "new learning rate"
            """)

    @Argument(
        help: "The coordinator; default PLEIAD_COORDINATOR or \(Address.standard).")
    var url: String?

    @Option(help: "Why: a sentence for the log.")
    var reason = "told to stop"

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var keysOptions: KeysOptions

    func run() async throws {
        let keys = try keysOptions.load()
        let address = try Address.coordinator(url)
        let client = StatusClient(
            network: network(for: url, keys: keys), url: address, credential: keys?.credential)
        try await client.ask(
            Steer(action: .stop, detail: reason),
            processID: UInt32(ProcessInfo.processInfo.processIdentifier))
        printNow(
            json
                ? #"{"asked":"stop"}"#
                : "\(address) ends its run after the open step")
    }
}
