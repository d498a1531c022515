import ArgumentParser
import Client
import CoordinatorDaemon
import Foundation
import Keys

/// `pleiad status`: what a coordinator does now.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what a coordinator and its workers do, and what they wait for.",
        discussion: """
            Examples:
              pleiad status
              pleiad status tcp://127.0.0.1:4700 --json
              pleiad status --watch
              pleiad status tls+tcp://10.0.0.5:4700 --keys keys/alice
            """)

    @Argument(
        help: "The coordinator; default PLEIAD_COORDINATOR or \(Address.standard).")
    var url: String?

    @Flag(help: "Print JSON.")
    var json = false

    @Flag(help: "Print again every second, until the run is over or Ctrl-C.")
    var watch = false

    @OptionGroup var keysOptions: KeysOptions

    func run() async throws {
        let keys = try keysOptions.load()
        let client = StatusClient(
            network: network(for: url, keys: keys), url: try Address.coordinator(url),
            credential: keys?.credential)
        while true {
            let text = try await client.status()
            let document = try StatusDocument(json: text)
            if json {
                printNow(text)
            } else {
                printNow((watch ? Terminal.clear : "") + StatusTable(document).text)
            }
            guard watch, !document.isOver else { return }
            try await Task.sleep(for: .seconds(1))
        }
    }
}
