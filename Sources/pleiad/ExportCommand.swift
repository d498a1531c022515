import ArgumentParser
import CoordinatorDaemon
import Foundation
import Methods
import Storage

/// `pleiad export`: a run's encoder for timm, torchvision or another run.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a run's trained encoder to a safetensors file.",
        discussion: """
            The file has exactly the tensors of the module that timm or torchvision make, so that \
            load_state_dict takes it with strict=True; the Python that makes the module is \
            printed. The same file can begin another run: network.weights in a run file.

            Examples:
              pleiad export runs/quick --out encoder.safetensors
              pleiad export runs/quick --out encoder.safetensors --step 600 --json
              pleiad export runs/quick --out all.safetensors --for pleiad   with the head
            """)

    @Argument(help: "The run's state directory.")
    var directory: String

    @Option(help: "The file to write (safetensors).")
    var out: String

    @Option(
        name: .customLong("for"),
        help: "Who is to load it: timm, torchvision or pleiad. Default: whose the encoder is.",
        transform: choice)
    var target: WeightExport.Target?

    @Option(help: "The checkpoint of this step. Default: the newest one.")
    var step: Int?

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let run = try StoredRun(directory: directory)
        let (version, made) = try run.trainedVersion(step: step)
        guard let network = run.plan.method.imageNetwork else {
            throw BadInput.noImageEncoder(run)
        }
        let export = try WeightExport(network, version, step: made, for: target)
        try export.write(to: out)
        if json {
            print(report(export, step: made).text)
        } else {
            print(
                "\(out): \(export.entries.count) tensors, \(grouped(export.floatCount)) numbers, "
                    + "of step \(made), for \(export.target.rawValue)")
            if let constructor = export.constructor { print(constructor) }
        }
    }

    private func report(_ export: WeightExport, step: Int) -> JSONValue {
        [
            "out": .string(out), "for": .string(export.target.rawValue),
            "step": .integer(Int64(step)), "tensors": .integer(Int64(export.entries.count)),
            "numbers": .integer(Int64(export.floatCount)),
            "constructor": export.constructor.map { .string($0) } ?? .null,
        ]
    }
}

/// One of an enumeration's words on the command line.
func choice<E: RawRepresentable & CaseIterable>(
    _ word: String
) throws -> E where E.RawValue == String {
    guard let value = E(rawValue: word) else {
        let words = E.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("'\(word)' is none of \(words).")
    }
    return value
}
