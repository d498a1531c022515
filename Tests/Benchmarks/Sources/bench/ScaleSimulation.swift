internal import Messages
internal import Optimizers
internal import ScaleModel
internal import Tensors

/// Simulated steps of larger clusters.
struct ScaleSimulation {
    /// Images of a worker in a step.
    let images: Int
    /// Rates that were measured.
    let rates: ScaleRates

    private static let networks = [
        ScaleNetwork.vit("vit-s", width: 384, depth: 12),
        ScaleNetwork.vit("vit-b", width: 768, depth: 12),
    ]
    private static let links = [10.0, 25, 100]

    /// The rates, then a line for each network and number of workers.
    func lines() -> [CaseLine] {
        var line = CaseLine("simulated-rates")
        line.set("worker_gflops", rates.workerOperations * 1e-9)
        line.set("wire_gigabytes_per_second", rates.wireBytes * 1e-9)
        line.set("sum_gigabytes_per_second", rates.sumBytes * 1e-9)
        line.set("commit_parameters_per_second", rates.commitParameters)
        line.set("answered_samples_per_second", rates.answerSamples)
        line.set("images_per_worker", images)
        return [line]
            + Self.networks.flatMap { network in
                [8, 64, 512].map { self.line(network, workers: $0) }
            }
    }

    private func line(_ network: ScaleNetwork, workers: Int) -> CaseLine {
        var line = CaseLine("simulated-\(network.name)-\(workers)")
        line.set("workers", workers)
        line.set("compute_seconds", step(network, workers, 10).computeSeconds)
        set(&line, "seconds") { step(network, workers, $0).seconds }
        set(&line, "efficiency") { step(network, workers, $0).efficiency }
        set(&line, "efficiency_bf16") { step(network, workers, $0, gradientBytes: 2).efficiency }
        set(&line, "efficiency_relays") {
            step(network, workers, $0, fanOut: Self.fanOut(workers)).efficiency
        }
        set(&line, "saturating_workers") {
            Double(saturatingWorkers(network, cluster(workers, $0), rates))
        }
        return line
    }

    private func set(_ line: inout CaseLine, _ name: String, _ value: (Double) -> Double) {
        line.set(name, Self.links.map { ("\(Int($0))_gbit", value($0)) })
    }

    private func cluster(_ workers: Int, _ gigabits: Double) -> ScaleCluster {
        ScaleCluster(workers: workers, imagesPerWorker: images, linkBits: gigabits * 1e9)
    }

    private func step(
        _ network: ScaleNetwork, _ workers: Int, _ gigabits: Double, gradientBytes: Double = 4,
        fanOut: Int? = nil
    ) -> ScaleStep {
        var cluster = cluster(workers, gigabits)
        cluster.gradientBytes = gradientBytes
        cluster.relayFanOut = fanOut
        return simulatedStep(network, cluster, rates)
    }

    /// Workers of a relay: a power of two near the root of their number, so that a relay's slices
    /// are a node of the gradient tree and both levels carry about the same.
    private static func fanOut(_ workers: Int) -> Int {
        var fanOut = 1
        while fanOut * fanOut < workers { fanOut *= 2 }
        return fanOut
    }
}

/// What the coordinator does with gradients, measured on this machine, one thread.
enum CoordinatorRates {
    private static let count = 22_000_000
    private static let repetitions = 5

    /// Bytes of gradients a second that are added to others.
    static func sumBytes() -> Double {
        let (left, right) = (ones(), ones())
        return 4 * Double(count) / seconds { _ = left.adding(right) }
    }

    /// Parameters a second that AdamW moves; the new version and the gradient are hashed beside it.
    static func commitParameters() -> Double {
        var optimizer = ParameterOptimizer(.adamW(AdamW()), parameterCount: count)
        var parameters = ones()
        let gradient = ones()
        return Double(count)
            / seconds {
                _ = optimizer.step(&parameters, gradient: gradient, rate: 1e-4)
                _ = NamedTensors(["parameters": parameters]).digest
            }
    }

    private static func ones() -> Tensor { Tensor(repeating: 1, shape: [count]) }

    @inline(never)
    private static func seconds(_ body: () -> Void) -> Double {
        var found: [Double] = []
        for _ in 0...repetitions {
            let begin = monotonicSeconds()
            body()
            found.append(monotonicSeconds() - begin)
        }
        return median(Array(found.dropFirst()))
    }
}
