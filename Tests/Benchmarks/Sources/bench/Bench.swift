import ArgumentParser
import Kernels

/// Measures Pleiad on this machine, alone and beside PyTorch.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measures Pleiad on this machine, alone and beside PyTorch.",
        discussion: """
            Prints one JSON line for each case and nothing else. With --peer PYTHON (an \
            interpreter that has torch, timm and torchvision) PyTorch's figures are taken in the \
            same run, turn by turn with ours.

            Examples:
              deploy/bench peak
              deploy/bench vit --peer python3
              deploy/bench vit --case vit-192-6 --slice 16 --seconds 20
            """,
        subcommands: subcommands)

    /// A subcommand is a file of its own, NAMECommand.swift, and a line here.
    static let subcommands: [any ParsableCommand.Type] = [
        PeakCommand.self,
        VitCommand.self,
        ResNetCommand.self,
        TableCommand.self,
        WireCommand.self,
        WirePeerCommand.self,
        ScaleCommand.self,
        KMeansCommand.self,
        CheckpointCommand.self,
    ]

    static func main() async {
        restartWithNumericsEnvironment()
        let interruption = Interruption()
        defer { withExtendedLifetime(interruption) {} }
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Peer.endAll()
            exit(withError: error)
        }
        Peer.endAll()
    }
}

/// What a person can do about a benchmark that cannot run.
struct BenchError: Error, CustomStringConvertible {
    /// What is wrong, and what to do.
    let description: String

    /// An error that says so.
    init(_ description: String) { self.description = description }
}
