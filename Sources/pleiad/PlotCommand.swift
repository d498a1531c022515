import ArgumentParser
import CoordinatorDaemon
import Foundation
import Inspection
import Methods
import Plots
import RunFiles
import Storage

/// `pleiad plot`: the curves of a run as a picture.
struct PlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot",
        abstract: "Draw the curves of a run: loss, cosines, learning rate, accuracy on the way.",
        discussion: """
            Reads metrics.jsonl and the evaluations of the state directory; a coordinator may be \
            at work on it. Figures whose names begin alike up to a dot share a chart; long \
            curves are drawn as means of neighbouring steps. The picture is SVG, needs nothing \
            beside it, and is the same to the byte for the same figures.

            Accuracies are there if the run file says evaluate: {every: STEPS}, or after \
            pleiad evaluate DIR --record.

            Examples:
              pleiad plot runs/quick --out curves.svg
              pleiad plot runs/quick > curves.svg

            See also: pleiad evaluate; pleiad sweep.
            """)

    @Argument(help: "The run's state directory.")
    var directory: String

    @Option(help: "The file to write. Default: standard output.")
    var out: String?

    func run() throws {
        let run = try StoredRun(directory: directory)
        let curves = try RunCurves(of: directory)
        let (name, method) = (run.plan.settings.name, run.plan.settings.method)
        let svg = curves.figure(title: "\(name), \(method)").svg
        guard let out else { return print(svg, terminator: "") }
        try LocalFileSystem().writeFileDurably(out, Array(svg.utf8))
    }
}
