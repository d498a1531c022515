import Datasets
import Networks
import Optimizers
import Tensors
import Testing

@testable import Methods

// What tests of several methods do with a harness.
extension MethodHarness {
    /// A method's parts over some images, whose parameters are as a run begins.
    init(
        _ method: some Method, _ coordinator: Coordinator, images: ImageDataset, seed: UInt64,
        rule: UpdateRule
    ) {
        self.init(
            worker: method.makeWorker(dataset: images, seed: seed), coordinator: coordinator,
            version: VersionTensors(
                parameters: method.layout.initialised(seed: seed),
                buffers: method.layout.initialisedBuffers()),
            optimizer: ParameterOptimizer(rule, parameterCount: method.layout.flatCount))
    }

    /// Trains some steps of 32 of 64 samples and returns the losses.
    ///
    /// - Parameter preparesCommit: whether what commits need is made ahead.
    mutating func train(
        steps: Range<Int>, slices: Int, groups: [Range<Int>], order: [Int], rate: Double,
        preparesCommit: Bool = false
    ) async throws -> [Double] {
        var losses: [Double] = []
        for step in steps {
            let samples = cut((0..<32).map { (step * 32 + $0 * 5) % 64 }, into: slices)
            try coordinator.open(step: step, samples: samples)
            let computed = try await compute(
                step: step, samples: samples, groups: groups, order: order)
            #expect(computed.result.isFinite)
            losses.append(computed.result.sums[0].value)
            if preparesCommit { coordinator.prepareCommit(step: step) }
            try commit(step: step, rate: rate, result: computed.result)
        }
        return losses
    }

    /// Computes step 0, the same 32 of 64 samples in one slice and in several, whose groups are
    /// answered from the last one to the first; expects the same gradients up to rounding.
    static func expectEqualGradients(
        _ whole: Self, _ parts: Self, slices: Int
    ) async throws -> (whole: Computed, parts: Computed) {
        let all = (0..<32).map { $0 * 5 % 64 }
        let samples = cut(all, into: slices)
        let groups = slices == 8 ? [0..<3, 3..<8] : [0..<slices]
        try whole.coordinator.open(step: 0, samples: [all])
        try parts.coordinator.open(step: 0, samples: samples)
        let a = try await whole.compute(step: 0, samples: [all], groups: [0..<1], order: [0])
        let b = try await parts.compute(
            step: 0, samples: samples, groups: groups, order: groups.indices.reversed())
        #expect(differ(a.result.gradient.values, b.result.gradient.values) < 1e-5)
        #expect(differ(a.embeddingGradient, b.embeddingGradient) < 1e-5)
        return (a, b)
    }

    /// Two steps, then two more: by the harness itself, and by another one that takes its state
    /// over; expects the same bits.
    mutating func expectGoesOn(as other: Self, rate: Double) async throws {
        var other = other
        _ = try await train(steps: 0..<2, slices: 2, groups: [0..<2], order: [0], rate: rate)
        try other.coordinator.restore(coordinator.state)
        (other.version, other.optimizer) = (version, optimizer)
        _ = try await train(steps: 2..<4, slices: 2, groups: [0..<2], order: [0], rate: rate)
        _ = try await other.train(
            steps: 2..<4, slices: 2, groups: [0..<2], order: [0], rate: rate)
        #expect(isIdentical(to: other))
    }

    /// Whether parameters and the coordinator's state are the same to the bit.
    func isIdentical(to other: Self) -> Bool {
        version.parameters.isBitIdentical(to: other.version.parameters)
            && coordinator.state.count == other.coordinator.state.count
            && zip(coordinator.state, other.coordinator.state).allSatisfy { mine, theirs in
                switch (mine.values, theirs.values) {
                case (.floats(let x), .floats(let y)): x.isBitIdentical(to: y)
                case (.integers(let x), .integers(let y)): x == y
                default: false
                }
            }
    }
}

/// Samples in so many slices, in order.
func cut(_ samples: [Int], into slices: Int) -> [[Int]] {
    (0..<slices).map {
        Array(samples[($0 * samples.count / slices)..<(($0 + 1) * samples.count / slices)])
    }
}

/// The largest difference relative to the largest magnitude.
func differ(_ a: [Float], _ b: [Float]) -> Float {
    let scale = a.reduce(0) { max($0, abs($1)) }
    return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / scale
}

/// Images of eight classes, which show in their pixels as stripes: image i is of class i mod 8.
func stripedImages(_ count: Int = 64) -> ImageDataset {
    let random = CounterRandom(seed: 1, stream: .test)
    let pixels = (0..<(count * 784)).map { index in
        let (image, place) = (index / 784, index % 784)
        let stripe = (place / 28 + place % 28 * (image % 8)) % 8 < 4
        return UInt8(stripe ? 200 : 20) + UInt8(random.bits(at: index) % 32)
    }
    return ImageDataset(
        name: "stripes", channels: 1, height: 28, width: 28, classCount: 8, pixels: pixels,
        labels: (0..<count).map { UInt8($0 % 8) },
        statistics: ChannelStatistics(mean: [0.5], deviation: [0.3]),
        manifest: DataManifest(entries: []))
}
