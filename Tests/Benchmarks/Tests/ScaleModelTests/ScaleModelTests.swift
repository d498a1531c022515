import ScaleModel
import Testing

private let rates = ScaleRates(
    workerOperations: 1e12, wireBytes: 2e9, sumBytes: 4e9, commitParameters: 1e8,
    answerSamples: 1e4)

/// Ten million parameters, ten billion operations an image.
private let network = ScaleNetwork(name: "round", parameters: 1e7, operations: 1e10)

private func cluster(_ workers: Int, gigabits: Double = 8) -> ScaleCluster {
    ScaleCluster(workers: workers, imagesPerWorker: 100, linkBits: gigabits * 1e9)
}

private func isNear(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 * max(abs(a), abs(b)) }

struct ScaleModelTests {
    @Test func `one worker takes each part once`() {
        let step = simulatedStep(network, cluster(1), rates)
        // 40 MB over 1 GB/s each way, 1e12 operations, 100 samples, 1e7 parameters.
        #expect(isNear(step.versionSeconds, 0.04))
        #expect(isNear(step.gradientSeconds, 0.04))
        #expect(isNear(step.computeSeconds, 1))
        #expect(isNear(step.answerSeconds, 0.01))
        #expect(isNear(step.commitSeconds, 0.1))
        #expect(isNear(step.seconds, 1.19))
        #expect(isNear(step.efficiency, 1 / 1.19))
    }

    @Test func `the coordinator's bytes grow with the workers and their seconds with them`() {
        let (one, ten) = (
            simulatedStep(network, cluster(1), rates), simulatedStep(network, cluster(10), rates)
        )
        #expect(isNear(ten.coordinatorBytes, 10 * one.coordinatorBytes))
        #expect(isNear(ten.versionSeconds, 10 * one.versionSeconds))
        #expect(isNear(ten.computeSeconds, one.computeSeconds))
        #expect(ten.efficiency < one.efficiency)
    }

    @Test func `a connection is no faster than the wire rate, many share a fast link`() {
        let one = simulatedStep(network, cluster(1, gigabits: 800), rates)
        #expect(isNear(one.versionSeconds, 4e7 / 2e9))
        let four = simulatedStep(network, cluster(4, gigabits: 800), rates)
        #expect(isNear(four.versionSeconds, one.versionSeconds))
    }

    @Test func `sums hide behind arrivals until they are the slower part`() {
        let narrow = simulatedStep(network, cluster(11, gigabits: 8), rates)
        #expect(isNear(narrow.gradientSeconds, 11 * 0.04))
        let wide = simulatedStep(network, cluster(11, gigabits: 800), rates)
        #expect(isNear(wide.gradientSeconds, 10 * 4e7 / 4e9))
    }

    @Test func `answers hide behind computation but for the last group`() {
        let few = simulatedStep(network, cluster(2), rates)
        #expect(isNear(few.answerSeconds, 128 / 1e4))
        let many = simulatedStep(network, cluster(1000), rates)
        #expect(isNear(many.answerSeconds, 10 - 1))
    }

    @Test func `a gradient of half the bytes takes half the time`() {
        var short = cluster(4)
        short.gradientBytes = 2
        let step = simulatedStep(network, short, rates)
        #expect(isNear(step.versionSeconds, 0.16))
        #expect(isNear(step.gradientSeconds, 0.08))
    }

    @Test func `relays serve their workers at the same time, the coordinator serves relays`() {
        var relayed = cluster(64)
        relayed.relayFanOut = 8
        let step = simulatedStep(network, relayed, rates)
        #expect(isNear(step.versionSeconds, (8 + 8) * 0.04))
        #expect(isNear(step.gradientSeconds, (8 + 8) * 0.04))
        #expect(isNear(step.coordinatorBytes, 8 * 8e7))
        #expect(step.seconds < simulatedStep(network, cluster(64), rates).seconds)
    }

    @Test func `as many workers as one relay takes need none`() {
        var relayed = cluster(8)
        relayed.relayFanOut = 8
        #expect(simulatedStep(network, relayed, rates) == simulatedStep(network, cluster(8), rates))
    }

    @Test func `the link is full when its bytes take as long as the computation`() {
        // 80 MB a worker over 1 GB/s against one second.
        #expect(saturatingWorkers(network, cluster(1), rates) == 12)
        #expect(saturatingWorkers(network, cluster(1, gigabits: 80), rates) == 125)
    }

    @Test func `vision transformers have timm's number of parameters`() {
        // timm's vit_small_patch16_224 and vit_base_patch16_224 with num_classes 0.
        #expect(ScaleNetwork.vit("vit-s", width: 384, depth: 12).parameters == 21_665_664)
        #expect(ScaleNetwork.vit("vit-b", width: 768, depth: 12).parameters == 85_798_656)
    }
}
