/// The rates from which the seconds of a step follow.
public struct ScaleRates: Hashable, Sendable {
    /// Floating-point operations a second of one worker, all its slots together.
    public var workerOperations: Double
    /// Bytes a second that pass through one connection, checksums included.
    public var wireBytes: Double
    /// Bytes a second of gradients that the coordinator adds.
    public var sumBytes: Double
    /// Parameters a second that the optimizer moves, digests included.
    public var commitParameters: Double
    /// Samples a second whose exchange the coordinator answers; the answers to all but the last
    /// group are made beside the workers' computation.
    public var answerSamples: Double

    /// Rates with these values.
    public init(
        workerOperations: Double, wireBytes: Double, sumBytes: Double, commitParameters: Double,
        answerSamples: Double
    ) {
        self.workerOperations = workerOperations
        self.wireBytes = wireBytes
        self.sumBytes = sumBytes
        self.commitParameters = commitParameters
        self.answerSamples = answerSamples
    }
}

/// A network as the model sees it.
public struct ScaleNetwork: Hashable, Sendable {
    /// The name in cases, such as `vit-s`.
    public var name: String
    /// Trained values.
    public var parameters: Double
    /// Floating-point operations of forward and backward for one image.
    public var operations: Double

    /// A network with these facts.
    public init(name: String, parameters: Double, operations: Double) {
        self.name = name
        self.parameters = parameters
        self.operations = operations
    }

    /// A vision transformer on images of 224 x 224 in patches of 16: weights, biases, embeddings
    /// and norms of timm's model without its classifier.
    public static func vit(_ name: String, width: Double, depth: Double) -> ScaleNetwork {
        let tokens = 197.0
        let block = 12 * width * width + 13 * width
        let forward = tokens * 12 * depth * width * width + 2 * depth * tokens * tokens * width
        return ScaleNetwork(
            name: name,
            parameters: depth * block + (768 + 1) * width + (tokens + 1) * width + 2 * width,
            operations: 6 * forward)
    }
}

/// Workers that a coordinator serves, alone or through relays.
public struct ScaleCluster: Hashable, Sendable {
    /// Number of workers.
    public var workers: Int
    /// Images that each of them computes in a step.
    public var imagesPerWorker: Int
    /// Bits a second of every machine's link, each way.
    public var linkBits: Double
    /// Bytes of one gradient value: 4, or 2 where gradients travel as bf16.
    public var gradientBytes = 4.0
    /// Workers of one relay; nil where all are the coordinator's own.
    public var relayFanOut: Int?

    /// A cluster without relays whose gradients travel in single precision.
    public init(workers: Int, imagesPerWorker: Int, linkBits: Double) {
        self.workers = workers
        self.imagesPerWorker = imagesPerWorker
        self.linkBits = linkBits
    }
}

/// The seconds of one step, part by part, one after the other.
public struct ScaleStep: Hashable, Sendable {
    /// The version on its way to all workers.
    public var versionSeconds = 0.0
    /// Forward and backward.
    public var computeSeconds = 0.0
    /// The last answer group of the exchange, for which all wait.
    public var answerSeconds = 0.0
    /// Gradients on their way and added; both happen at once, the slower one counts.
    public var gradientSeconds = 0.0
    /// Optimizer and digests.
    public var commitSeconds = 0.0
    /// Bytes that enter or leave the coordinator, both ways together.
    public var coordinatorBytes = 0.0

    /// The whole step.
    public var seconds: Double {
        versionSeconds + computeSeconds + answerSeconds + gradientSeconds + commitSeconds
    }

    /// The share of the step in which workers compute.
    public var efficiency: Double { computeSeconds / seconds }
}

/// The step of a cluster, from measured rates.
///
/// Nothing overlaps but sums with arrivals, and answers with computation: versions go out when a
/// step opens, gradients come in when a worker has ended, and all workers end together. A machine's
/// link carries both ways at once; what passes through it is shared by its connections, and no
/// connection is faster than `wireBytes`. With relays a version goes to the relays and from there
/// to their workers, and each relay adds its workers' gradients to one.
public func simulatedStep(
    _ network: ScaleNetwork, _ cluster: ScaleCluster, _ rates: ScaleRates
) -> ScaleStep {
    let versionBytes = 4 * network.parameters
    let gradientBytes = cluster.gradientBytes * network.parameters
    let levels = fanOuts(workers: cluster.workers, relayFanOut: cluster.relayFanOut)
    var step = ScaleStep()
    for peers in levels {
        let peers = Double(peers)
        let rate = min(cluster.linkBits / 8, peers * rates.wireBytes)
        step.versionSeconds += peers * versionBytes / rate
        // n gradients take n - 1 sums, of single-precision values whatever travelled.
        let sums = (peers - 1) * versionBytes / rates.sumBytes
        step.gradientSeconds += max(peers * gradientBytes / rate, sums)
    }
    step.computeSeconds =
        Double(cluster.imagesPerWorker) * network.operations / rates.workerOperations
    // A group is answered for at least 128 samples, or for the whole step if it has fewer.
    let group = min(128.0, Double(cluster.workers * cluster.imagesPerWorker))
    let all = Double(cluster.workers * cluster.imagesPerWorker) / rates.answerSamples
    let last = group / rates.answerSamples
    step.answerSeconds = max(last, all - step.computeSeconds)
    step.commitSeconds = network.parameters / rates.commitParameters
    step.coordinatorBytes = Double(levels[0]) * (versionBytes + gradientBytes)
    return step
}

/// The greatest number of workers at which the coordinator's link takes no longer than the
/// computation, without relays.
public func saturatingWorkers(
    _ network: ScaleNetwork, _ cluster: ScaleCluster, _ rates: ScaleRates
) -> Int {
    let compute = Double(cluster.imagesPerWorker) * network.operations / rates.workerOperations
    let bytes = (4 + cluster.gradientBytes) * network.parameters
    return Int((compute * cluster.linkBits / 8 / bytes).rounded(.down))
}

/// How many peers a machine serves, the coordinator first, then a relay.
private func fanOuts(workers: Int, relayFanOut: Int?) -> [Int] {
    guard let fanOut = relayFanOut, fanOut > 1, workers > fanOut else { return [workers] }
    return [(workers + fanOut - 1) / fanOut, fanOut]
}
