import Buffers
import Kernels
import Objectives
import Tensors

/// A loss computed shard by shard, and what each shard contributed.
private struct ShardedRun {
    let ranges: [Range<Int>]
    let z: UnitRows
    let rows: UnitRows
    let settings: ClassificationSettings
    /// Cosines `[B, M]`.
    let cosines: [Float]
    var pass: ClassificationPass
    var answers: [ClassificationPass.ShardAnswer] = []
    /// e^(s - shift) / |w| of each shard, `[rows, B]`.
    var tiles: [[Float]] = []

    init(_ golden: GoldenCase, _ settings: ClassificationSettings) throws {
        let bounds = try golden.numbers("ranges")
        ranges = stride(from: 0, to: bounds.count, by: 2).map {
            bounds[$0]..<(bounds[$0] + bounds[$0 + 1])
        }
        self.settings = settings
        let z = UnitRows(try golden.tensor("in.z"))
        let weight = try golden.tensor("in.weight")
        let rows = UnitRows(weight)
        (self.z, self.rows) = (z, rows)
        let (n, m) = (z.lengths.count, weight.shape[0])
        var product = Tensor(uninitialized: [n, m])
        var span = product.mutableSpan
        sgemm(
            transB: .transposed, m: n, n: m, k: weight.shape[1], a: z.unit.span,
            b: rows.unit.span, c: &span)
        cosines = product.values.map { min(max($0, -1), 1) }
        let positives = PositiveColumns(try golden.lists("in.target"))
        let (matrix, pool) = (MatrixRows(weight), BufferPool())
        let own = ClassificationPass.positiveCosines(z, positives, of: 0..<n, matrix)
        pass = ClassificationPass(
            z,
            loss: ClassificationLoss(
                settings, positives: positives, cosines: own, columnCount: m, divisor: n))
        for range in ranges {
            var tile = Tensor(uninitialized: [range.count, n])
            var target = tile.mutableSpan
            answers.append(pass.answer(range, matrix, tile: &target, pool: pool))
            tiles.append(tile.values)
        }
    }

    var samples: Int { z.lengths.count }
    var terms: [PositiveTerm] { pass.loss.terms }

    /// The positives of a sample in a shard.
    func own(_ sample: Int, in shard: Int) -> [PositiveTerm] {
        pass.loss.terms(of: sample).filter { ranges[shard].contains($0.column) }
    }

    /// The largest logit of each sample in a shard: of its negatives, positives or all.
    func maxima(
        of shard: Int, negatives: Bool, positives: [PositiveTerm] = [], sign: Float = 1
    )
        -> [Float]
    {
        (0..<samples).map { sample in
            let mine = own(sample, in: shard)
            var top: Float = -1e30
            if negatives {
                for column in ranges[shard] where !mine.contains(where: { $0.column == column }) {
                    let c = cosines[sample * rows.lengths.count + column]
                    top = max(top, settings.scale * c)
                }
            }
            for term in positives where term.sample == sample { top = max(top, sign * term.logit) }
            return top
        }
    }

    /// Of each sample e^(s - top) over the negatives of a shard.
    func negativeSums(of shard: Int, under top: [Float]) -> [Float] {
        answers[shard].sums.exponentials.enumerated().map {
            Float($1) * LaneMath.exp(settings.shift - top[$0])
        }
    }

    /// dL/dc `[B, M]`, shares of dL/dz, dL/dW, of a closed pass.
    func gradients(_ weight: Tensor) -> (cosines: [Float], shares: [Tensor], rows: [Float]) {
        let (n, m, d) = (samples, weight.shape[0], weight.shape[1])
        var whole = [Float](repeating: 0, count: n * m)
        var shares: [Tensor] = []
        var rowGradients: [Float] = []
        let lengths = rows.lengths.values
        for (shard, range) in ranges.enumerated() {
            var share = [Float](repeating: 0, count: n * d)
            let products = answers[shard].products.values
            for sample in 0..<n {
                let factor = pass.loss.factors[sample]
                for (place, column) in range.enumerated() {
                    whole[sample * m + column] =
                        tiles[shard][place * n + sample] * lengths[column] * factor
                }
                for i in 0..<d { share[sample * d + i] = factor * products[sample * d + i] }
                for term in own(sample, in: shard) {
                    whole[sample * m + term.column] = term.slope
                    let unit = rows.unit.rows(term.column..<(term.column + 1)).values
                    for i in 0..<d { share[sample * d + i] += term.slope * unit[i] }
                }
            }
            var tensor = Tensor(share, shape: [n, d])
            pass.pullBack(&tensor)
            shares.append(tensor)
            rowGradients += rowGradient(shard, weight).values
        }
        return (whole, shares, rowGradients)
    }

    private func rowGradient(_ shard: Int, _ weight: Tensor) -> Tensor {
        let (range, d) = (ranges[shard], weight.shape[1])
        let tile = Tensor(tiles[shard], shape: [range.count, samples])
        var gradient = Tensor(uninitialized: [range.count, d])
        var span = gradient.mutableSpan
        pass.rowGradient(
            range, tile: tile.span, MatrixRows(weight), isAdded: false, into: &span,
            pool: BufferPool())
        for (place, column) in range.enumerated() {
            var row = span._mutatingExtracting((place * d)..<((place + 1) * d))
            UnitRows.flatten(
                &row, along: weight.span.extracting((column * d)..<((column + 1) * d)))
        }
        return gradient
    }
}

/// `sharded_mlcd`: every shard's maxima and sums of both parts, its share of dL/dz, its rows.
func checkShardedMLCD(_ golden: GoldenCase) throws {
    let settings = ClassificationSettings(
        kind: .mlcd, scale: Float(try golden.number("scale")),
        angularMargin: Float(try golden.number("margin")))
    var run = try ShardedRun(golden, settings)
    let samples = 0..<run.samples
    for part in ["positive", "negative"] {
        let isPositive = part == "positive"
        let maxima = run.ranges.indices.map { shard in
            run.maxima(
                of: shard, negatives: !isPositive,
                positives: isPositive ? samples.flatMap { run.own($0, in: shard) } : [], sign: -1)
        }
        golden.compare("out.\(part).shard_max", maxima.flatMap(\.self)) { $0 > -1e29 }
        let top = samples.map { sample in maxima.reduce(0) { max($0, $1[sample]) } }
        golden.compare("out.\(part).max", top)
        let sums = run.ranges.indices.map { shard -> [Float] in
            guard isPositive else { return run.negativeSums(of: shard, under: top) }
            return samples.map { sample in
                run.own(sample, in: shard).reduce(0) { $0 + LaneMath.exp(-$1.logit - top[sample]) }
            }
        }
        golden.compare("out.\(part).shard_sum", sums.flatMap(\.self))
        golden.compare(
            "out.\(part).sum_with_one",
            samples.map { sample in
                sums.reduce(LaneMath.exp(-top[sample])) { $0 + $1[sample] }
            })
    }
    let values = run.pass.close(run.answers.map(\.sums))
    golden.compare("out.positive.part", values.positiveParts)
    golden.compare("out.negative.part", values.negativeParts)
    golden.compare("out.loss", values.sum / Double(run.samples))

    let found = run.gradients(try golden.tensor("in.weight"))
    golden.compare("out.grad_logit", found.cosines)
    golden.compare("out.shard_grad_z", found.shares.flatMap(\.values))
    golden.compare("grad.z", summed(found.shares))
    golden.compare("grad.weight", found.rows)
}

/// `sharded_softmax`: PartialFC's exchange of maxima, sums and the target's probability.
func checkShardedSoftmax(_ golden: GoldenCase) throws {
    let settings = ClassificationSettings(
        kind: .softmax, scale: Float(try golden.number("scale")),
        angularMargin: Float(try golden.number("margin")))
    var run = try ShardedRun(golden, settings)
    let samples = 0..<run.samples
    let maxima = run.ranges.indices.map { shard in
        run.maxima(
            of: shard, negatives: true, positives: samples.flatMap { run.own($0, in: shard) })
    }
    golden.compare("out.shard_max", maxima.flatMap(\.self))
    let top = samples.map { sample in maxima.reduce(-1e30) { max($0, $1[sample]) } }
    let sums = run.ranges.indices.map { shard in
        zip(samples, run.negativeSums(of: shard, under: top)).map { sample, sum in
            run.own(sample, in: shard).reduce(sum) { $0 + LaneMath.exp($1.logit - top[sample]) }
        }
    }
    golden.compare("out.shard_sum", sums.flatMap(\.self))
    let values = run.pass.close(run.answers.map(\.sums))
    golden.compare("out.target_probability", values.perSample.map { LaneMath.exp(-$0) })

    // The reference value is that of a probability of at least `floor`.
    let cap = -LaneMath.log(Float(try golden.number("floor")))
    let losses = values.perSample.map { Double(min($0, cap)) }
    golden.compare("out.loss", losses.reduce(0, +) / Double(run.samples))
    let found = run.gradients(try golden.tensor("in.weight"))
    golden.compare("grad.z", summed(found.shares))
    golden.compare("grad.weight", found.rows)
}

private func summed(_ shares: [Tensor]) -> [Float] {
    shares.dropFirst().reduce(shares[0].values) { sum, share in
        zip(sum, share.values).map { $0 + $1 }
    }
}
