import Datasets
import Tensors
import Testing

struct ShardedSamplingTests {
    private static let shapes: [(count: Int, batch: Int, slices: Int, shards: Int)] = [
        (100, 10, 4, 7), (103, 10, 3, 8), (1000, 256, 8, 16), (1000, 96, 8, 3), (50, 4, 8, 10),
        (64, 64, 2, 64), (5, 2, 3, 1),
    ]

    private func sampler(
        _ shape: (count: Int, batch: Int, slices: Int, shards: Int), dropLast: Bool = false,
        seed: UInt64 = 3
    ) -> StepSampler {
        StepSampler(
            count: shape.count, batch: shape.batch, slices: shape.slices, dropLast: dropLast,
            seed: seed, sampling: .sharded, shardCount: shape.shards)
    }

    @Test(arguments: shapes, [false, true])
    func `an epoch visits every sample once, in slices of the sizes of global sampling`(
        _ shape: (count: Int, batch: Int, slices: Int, shards: Int), _ dropLast: Bool
    ) {
        let sampler = sampler(shape, dropLast: dropLast)
        for epoch in 0..<3 {
            let steps = (epoch * sampler.stepsPerEpoch)..<((epoch + 1) * sampler.stepsPerEpoch)
            let seen = steps.flatMap { sampler.indices(step: $0) }
            if dropLast {
                #expect(Set(seen).count == seen.count)
                #expect(seen.count == shape.count / shape.batch * shape.batch)
            } else {
                #expect(seen.sorted() == Array(0..<shape.count))
            }
            for step in steps {
                let slices = (0..<shape.slices).map { sampler.slice(step: step, $0) }
                #expect(slices.flatMap { $0 } == sampler.indices(step: step))
                for (slice, samples) in slices.enumerated() {
                    #expect(samples.count == sampler.rows(step: step, slice: slice).count)
                }
            }
        }
    }

    @Test(arguments: shapes)
    func `a slice's samples lie in the shards that it needs, and those are few`(
        _ shape: (count: Int, batch: Int, slices: Int, shards: Int)
    ) {
        let sampler = sampler(shape)
        for epoch in 0..<2 {
            let first = epoch * sampler.stepsPerEpoch
            let needed = sampler.shardsNeeded(step: first)
            for step in first..<(first + sampler.stepsPerEpoch) {
                #expect(sampler.shardsNeeded(step: step) == needed)
                for slice in 0..<shape.slices {
                    let held = needed[slice].map { sampler.shards.samples($0) }
                    let samples = sampler.slice(step: step, slice)
                    #expect(samples.allSatisfy { one in held.contains { $0.contains(one) } })
                }
            }
            let most = (shape.shards + shape.slices - 1) / shape.slices + 2
            #expect(needed.allSatisfy { $0.count <= most }, "\(needed)")
            #expect(Set(needed.flatMap { $0 }).count == shape.shards, "every shard is somebody's")
        }
    }

    @Test func `epochs and seeds deal otherwise, and slices are mixed`() {
        let shape = (count: 4000, batch: 200, slices: 4, shards: 16)
        let a = sampler(shape)
        #expect(a.shardsNeeded(step: 0) != a.shardsNeeded(step: a.stepsPerEpoch))
        #expect(a.indices(step: 0) != sampler(shape, seed: 4).indices(step: 0))
        let first = a.slice(step: 0, 0)
        #expect(first != first.sorted() && Set(first.map { $0 / 250 }).count > 1)
    }

    @Test func `global sampling is what it was, whatever the number of shards`() {
        let one = StepSampler(count: 1000, batch: 96, slices: 8, dropLast: true, seed: 5)
        let many = StepSampler(
            count: 1000, batch: 96, slices: 8, dropLast: true, seed: 5, sampling: .global,
            shardCount: 10)
        #expect((0..<30).allSatisfy { one.indices(step: $0) == many.indices(step: $0) })
        #expect(many.shardsNeeded(step: 0).isEmpty, "each slice needs all, so none is listed")
    }

    @Test func `shards are runs of samples without gap and of nearly equal length`() {
        let shards = DataShards(sampleCount: 103, count: 8)
        let ranges = (0..<8).map { shards.samples($0) }
        #expect(ranges[0].lowerBound == 0 && ranges[7].upperBound == 103)
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        #expect(Set(ranges.map(\.count)) == [12, 13])
    }

    @Test func `a part of a data set shows the images that it holds as the whole does`() {
        let whole = syntheticDataset(count: 40)
        let part = whole.holding([3..<10, 25..<40])
        let held = [3, 9, 25, 39, 30]
        let settings = ViewSettings(height: 6, width: 6)
        #expect(
            part.randomResizedCropFlip(held, dataEpoch: 1, seed: 2, settings: settings).values
                == whole.randomResizedCropFlip(held, dataEpoch: 1, seed: 2, settings: settings)
                .values)
        #expect(part.pixels.count == 22 * whole.imageByteCount)
        #expect(part.count == 40 && part.digest == whole.digest && part.labels == whole.labels)
    }
}
