import Kernels
import Objectives
import Tensors

/// A loss computed shard by shard, and what each shard contributed.
private struct ShardedRun {
    let ranges: [Range<Int>]
    let z: UnitRows
    let rows: [UnitRows]
    var loss: ClassificationLoss
    var partials: [ClassificationPartial] = []
    var tiles: [Tensor] = []

    init(_ golden: GoldenCase, _ settings: ClassificationSettings) throws {
        let bounds = try golden.numbers("ranges")
        ranges = stride(from: 0, to: bounds.count, by: 2).map {
            bounds[$0]..<(bounds[$0] + bounds[$0 + 1])
        }
        z = UnitRows(try golden.tensor("in.z"))
        let weight = try golden.tensor("in.weight")
        rows = ranges.map { UnitRows(weight.rows($0)) }
        loss = ClassificationLoss(
            settings, positives: PositiveColumns(try golden.lists("in.target")),
            columnCount: weight.shape[0], divisor: z.lengths.count)
        for (range, rows) in zip(ranges, rows) {
            var tile = product(z.unit, rows.unit, transposed: true)
            var span = tile.mutableSpan
            partials.append(loss.partial(of: &span, columns: range))
            tiles.append(tile)
        }
        for partial in partials { loss.combine(partial) }
    }

    /// G by shards, shares of dL/dz, dL/dW.
    mutating func gradients() -> (logits: [Tensor], shares: [Tensor], rows: [Float]) {
        var (shares, weights): ([Tensor], [Float]) = ([], [])
        for shard in ranges.indices {
            var span = tiles[shard].mutableSpan
            loss.gradient(of: &span, partials[shard])
            var share = product(tiles[shard], rows[shard].unit, transposed: false)
            z.pullBack(&share)
            shares.append(share)
            var weight = Tensor(zeros: rows[shard].unit.shape)
            var target = weight.mutableSpan
            let (shape, tile) = (rows[shard].unit.shape, tiles[shard])
            sgemm(
                transA: .transposed, m: shape[0], n: shape[1], k: z.lengths.count, a: tile.span,
                b: z.unit.span, c: &target)
            rows[shard].pullBack(&weight)
            weights += weight.values
        }
        return (tiles, shares, weights)
    }
}

private func product(_ a: Tensor, _ b: Tensor, transposed: Bool) -> Tensor {
    let n = transposed ? b.shape[0] : b.shape[1]
    var c = Tensor(zeros: [a.shape[0], n])
    var span = c.mutableSpan
    sgemm(
        transB: transposed ? .transposed : .none, m: a.shape[0], n: n, k: a.shape[1], a: a.span,
        b: b.span, c: &span)
    return c
}

/// `sharded_mlcd`: every shard's maxima and sums of both parts, its share of dL/dz, its rows.
func checkShardedMLCD(_ golden: GoldenCase) throws {
    let settings = ClassificationSettings(
        kind: .mlcd, scale: Float(try golden.number("scale")),
        angularMargin: Float(try golden.number("margin")))
    var run = try ShardedRun(golden, settings)
    let values = run.loss.finish()
    let samples = run.z.lengths.count
    for part in ["positive", "negative"] {
        let shards = run.partials.map { part == "positive" ? $0.positiveSums : $0.negativeSums }
        let total = part == "positive" ? run.loss.positiveSums : run.loss.negativeSums
        golden.compare("out.\(part).shard_max", shards.flatMap(\.maxima)) { $0 > -1e29 }
        let withOne = (0..<samples).map { total.withOne($0) }
        golden.compare("out.\(part).max", withOne.map(\.top))
        golden.compare("out.\(part).sum_with_one", withOne.map(\.sum))
        golden.compare(
            "out.\(part).shard_sum",
            shards.flatMap { shard in
                (0..<samples).map { shard.sum(of: $0, under: withOne[$0].top) }
            })
        golden.compare(
            "out.\(part).part", part == "positive" ? values.positiveParts : values.negativeParts)
    }
    golden.compare("out.loss", values.sum / Double(samples))

    let (logits, shares, rows) = run.gradients()
    let whole = (0..<samples).flatMap { sample in
        logits.flatMap { $0.rows(sample..<(sample + 1)).values }
    }
    golden.compare("out.grad_logit", whole)
    golden.compare("out.shard_grad_z", shares.flatMap(\.values))
    golden.compare("grad.z", summed(shares))
    golden.compare("grad.weight", rows)
}

/// `sharded_softmax`: PartialFC's exchange of maxima, sums and the target's probability.
func checkShardedSoftmax(_ golden: GoldenCase) throws {
    let settings = ClassificationSettings(
        kind: .softmax, scale: Float(try golden.number("scale")),
        angularMargin: Float(try golden.number("margin")))
    var run = try ShardedRun(golden, settings)
    let values = run.loss.finish()
    let samples = run.z.lengths.count
    let shards = run.partials.map(\.negativeSums)
    golden.compare("out.shard_max", shards.flatMap(\.maxima))
    let tops = run.loss.negativeSums.maxima
    golden.compare(
        "out.shard_sum",
        shards.flatMap { shard in (0..<samples).map { shard.sum(of: $0, under: tops[$0]) } })
    golden.compare("out.target_probability", values.perSample.map { LaneMath.exp(-$0) })

    // The reference value is that of a probability of at least `floor`.
    let cap = -LaneMath.log(Float(try golden.number("floor")))
    let losses = values.perSample.map { Double(min($0, cap)) }
    golden.compare("out.loss", losses.reduce(0, +) / Double(samples))
    let (_, shares, rows) = run.gradients()
    golden.compare("grad.z", summed(shares))
    golden.compare("grad.weight", rows)
}

private func summed(_ shares: [Tensor]) -> [Float] {
    shares.dropFirst().reduce(shares[0].values) { sum, share in
        zip(sum, share.values).map { $0 + $1 }
    }
}
