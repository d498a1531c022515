import ArgumentParser
import Client
import CoordinatorDaemon
import Foundation
import Keys
import Storage

/// `pleiad why`: what a run waits for, and what will happen next.
struct WhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Say what a run waits for, on whom, until when, and what happens next.",
        discussion: """
            The first line names what holds the run up: a slice and its worker, the coordinator, \
            a missing worker, an operator. If no coordinator answers, a state directory tells \
            whether one lives and what it left.

            Examples:
              pleiad why
              pleiad why tcp://127.0.0.1:4700 --json
              pleiad why runs/quick

            Exit codes: 0 a coordinator answered, or the directory's run is done; 1 nobody \
            answers.
            """)

    @Argument(
        help: """
            The coordinator's address, or the run's state directory; default \
            PLEIAD_COORDINATOR or \(Address.standard).
            """)
    var place: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var keysOptions: KeysOptions

    func run() async throws {
        let report = try await report()
        printNow(json ? report.json : report.text)
        if report.isUnanswered { throw RunFailed(description: "no coordinator answers") }
    }

    private func report() async throws -> WhyReport {
        guard let place, !place.contains("://") else {
            let url = try Address.coordinator(place)
            let text: String
            do throws(ClientError) {
                text = try await status(at: url)
            } catch {
                return WhyReport(unanswered: "\(error)", url: url)
            }
            return WhyReport(try StatusDocument(json: text), url: url)
        }
        let outlook = try DirectoryOutlook(directory: place)
        if outlook.isHeld, let url = outlook.url,
            // Nobody answers there: the directory tells what it can.
            let text = try? await status(at: url)
        {
            return WhyReport(try StatusDocument(json: text), url: url)
        }
        return WhyReport(outlook)
    }

    private func status(at url: String) async throws(ClientError) -> String {
        let keys: PeerKeys?
        do {
            keys = try keysOptions.load()
        } catch {
            throw .untrusted("\(error)")
        }
        return try await StatusClient(
            network: network(for: url, keys: keys), url: url, credential: keys?.credential
        ).status(name: "why")
    }
}
