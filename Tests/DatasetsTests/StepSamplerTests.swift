import Datasets
import Testing

struct StepSamplerTests {
    @Test(arguments: [(100, 10, 4), (103, 10, 3), (7, 7, 7), (1, 1, 1), (1000, 256, 8), (5, 2, 3)])
    func `an epoch visits every sample exactly once`(_ count: Int, _ batch: Int, _ slices: Int) {
        let sampler = StepSampler(
            count: count, batch: batch, slices: slices, dropLast: false, seed: 3)
        for epoch in 0..<3 {
            let steps = (epoch * sampler.stepsPerEpoch)..<((epoch + 1) * sampler.stepsPerEpoch)
            let seen = steps.flatMap { sampler.indices(step: $0) }
            #expect(seen.sorted() == Array(0..<count))
            #expect(steps.allSatisfy { sampler.dataEpoch(step: $0) == epoch })
        }
    }

    @Test func `an incomplete last batch is dropped where asked, and no sample comes twice`() {
        let sampler = StepSampler(count: 103, batch: 10, slices: 4, dropLast: true, seed: 1)
        #expect(sampler.stepsPerEpoch == 10)
        let seen = (0..<10).flatMap { sampler.indices(step: $0) }
        #expect(Set(seen).count == 100 && seen.count == 100)
        #expect(sampler.dataEpoch(step: 10) == 1)
    }

    @Test(arguments: [1, 2, 3, 8, 11])
    func `slices in order make up the batch`(_ slices: Int) {
        let sampler = StepSampler(
            count: 1000, batch: 96, slices: slices, dropLast: false, seed: 5)
        for step in [0, 3, sampler.stepsPerEpoch - 1, sampler.stepsPerEpoch] {
            let joined = (0..<slices).flatMap { sampler.slice(step: step, $0) }
            #expect(joined == sampler.indices(step: step))
            for slice in 0..<slices {
                let n = sampler.batchCount(step: step)
                #expect(
                    sampler.rows(step: step, slice: slice)
                        == (slice * n / slices)..<((slice + 1) * n / slices))
            }
        }
    }

    @Test func `the slice count does not change which samples a step has`() {
        let a = StepSampler(count: 5000, batch: 256, slices: 4, dropLast: true, seed: 9)
        let b = StepSampler(count: 5000, batch: 256, slices: 16, dropLast: true, seed: 9)
        #expect(a.indices(step: 40) == b.indices(step: 40))
    }

    @Test func `epochs and seeds have orders of their own`() {
        let a = StepSampler(count: 5000, batch: 500, slices: 4, dropLast: true, seed: 9)
        let b = StepSampler(count: 5000, batch: 500, slices: 4, dropLast: true, seed: 10)
        #expect(a.indices(step: 0) != a.indices(step: 10))
        #expect(a.indices(step: 0) != b.indices(step: 0))
    }

    @Test func `an order is as mixed as chance makes it`() {
        // Mean of 256 of 60,000 numbers: standard error 1,083; steps of an epoch are independent.
        let sampler = StepSampler(count: 60_000, batch: 256, slices: 4, dropLast: true, seed: 0)
        var outliers = 0
        for step in 0..<200 {
            let indices = sampler.indices(step: step)
            let mean = Double(indices.reduce(0, +)) / 256
            if abs(mean - 29_999.5) > 2 * 1_083 { outliers += 1 }
        }
        #expect((2...20).contains(outliers), "\(outliers) of 200 beyond two standard errors")
    }
}
