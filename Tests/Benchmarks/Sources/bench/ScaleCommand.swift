import ArgumentParser
internal import Foundation
internal import ScaleModel
internal import Wire

/// `bench scale`: what it costs to be distributed.
struct ScaleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "The price of being distributed, and what larger clusters would pay.",
        discussion: """
            Runs the release `pleiad` (environment variable PLEIAD, or in PATH) on a vision \
            transformer of 2.7 M parameters, batch 128, Fashion-MNIST, in turns: both slots in \
            one process (scale-in-process), one worker process of one slot (scale-workers-1), two \
            of them (scale-workers-2). coordinator_critical_share is the time between the last \
            result of a step and the opening of the next one plus the time in which answer groups \
            were computed, as a share of the step; what bytes take on the wire is beside it.

            Then steps of 8, 64 and 512 workers are simulated from rates that were measured here \
            (simulated-vit-s-64 and so on), for coordinator links of 10, 25 and 100 Gbit/s.

            Example: deploy/bench scale --seconds 240
            """)

    @Option(help: "Seconds of measuring, about.")
    var seconds = 270.0

    @Option(help: "Steps of a turn.")
    var steps = 10

    @Option(help: "Cores of a simulated worker.")
    var workerCores = 16

    @Option(help: "Images of a simulated worker in a step.")
    var workerImages = 32

    func validate() throws {
        guard seconds > 0 else { throw ValidationError("--seconds is more than 0") }
        guard steps >= 4, steps <= 1000 else { throw ValidationError("--steps is 4 to 1000") }
        guard workerCores >= 1, workerImages >= 1 else {
            throw ValidationError("--worker-cores and --worker-images are at least 1")
        }
    }

    func run() async throws {
        let link = try await WireLink.opened(arguments: ["wire-peer"])
        defer { link.close() }
        let wire = try await ScaleWire(over: link)
        let bench = try ScaleRuns(stepsOfTurn: steps)
        defer { bench.remove() }
        let figures = try bench.measure(seconds: seconds)
        for line in figures.lines(wire: wire) { line.write() }
        let rates = ScaleRates(
            workerOperations: Double(workerCores) * figures.operationsOfOneSlot,
            wireBytes: wire.bytesPerSecond, sumBytes: CoordinatorRates.sumBytes(),
            commitParameters: CoordinatorRates.commitParameters(),
            answerSamples: figures.answerSamplesPerSecond)
        simulate(rates)
    }

    private func simulate(_ rates: ScaleRates) {
        for line in ScaleSimulation(images: workerImages, rates: rates).lines() { line.write() }
    }
}

/// How fast parameters of the measured run move between two processes.
struct ScaleWire {
    /// Checksummed bytes a second.
    let bytesPerSecond: Double

    /// Moves a tensor of the run's size in both directions.
    init(over link: WireLink) async throws {
        let tensor = wireTensor(byteCount: ScaleRuns.parameterBytes)
        var found: [Double] = []
        for _ in 0..<20 {
            for direction in WireDirection.allCases {
                found.append(try await link.seconds(moving: tensor, direction))
            }
        }
        bytesPerSecond = Double(tensor.byteCount) / median(Array(found.dropFirst(4)))
    }
}
