import Clustering
import Tables
import Tensors

/// `kmeans_*`: every iteration of Lloyd, with refilled clusters; given draws.
func checkKMeans(_ golden: GoldenCase) throws {
    var run = try KMeans(
        samples: golden.tensor("in.x"), start: golden.integers("in.start"),
        spherical: golden.flag("spherical"), draws: .given(golden.floats("in.split_draws")),
        threads: 2)
    var (centers, objectives): ([Float], [Double]) = ([], [])
    var (assigned, counts): ([Int], [Int]) = ([], [])
    for _ in 0..<(try golden.count("iterations")) {
        let iteration = try run.advance()
        centers += run.centers.values
        assigned += iteration.assignment.map(Int.init)
        objectives.append(iteration.objective)
        counts += iteration.counts
    }
    golden.compare("out.centroids", centers)
    golden.compare("out.assign", integers: assigned)
    golden.compare("out.objective", objectives)
    golden.compare("out.counts", integers: counts)
    golden.compare("out.centers_unit", run.unitCenters)
}

/// `labels`: the nearest centers, those of them that a step uses, and those above a threshold.
func checkLabels(_ golden: GoldenCase) throws {
    let (samples, centers) = (try golden.tensor("in.x"), try golden.tensor("in.centers"))
    let stored = try golden.count("stored")
    let labels = ClusterLabels(samples: samples, centers: centers, perSample: stored, threads: 2)
    golden.compare("out.labels", integers: labels.labels.map(Int.init))
    golden.compare("out.scores", labels.similarities)

    let draws = try golden.floats("in.pick_draws")
    let used = try golden.count("used")
    let chosen = (0..<labels.sampleCount).flatMap { sample in
        chosenLabels(
            stored: labels.labels(of: sample),
            draws: Array(draws[(sample * stored)..<((sample + 1) * stored)]), count: used)
    }
    golden.compare("out.chosen", integers: chosen.map(Int.init))

    let ragged = RaggedLabels(
        samples: samples, centers: centers, threshold: Float(try golden.number("threshold")),
        threads: 2)
    golden.compare("out.threshold_offsets", integers: ragged.offsets)
    golden.compare("out.threshold_labels", integers: ragged.labels.map(Int.init))
}

/// `draw`: the three branches of the draw, and shards with keys of their own.
func checkDraw(_ golden: GoldenCase) throws {
    let labels = try golden.integers("in.labels").map { Int32($0) }
    let keys = try golden.floats("in.draws")
    let positives = RowDraw.positives(of: labels)
    golden.compare("out.positive", integers: positives.map(Int.init))

    let wanted = Int(try golden.number("rate") * Double(keys.count))
    let wantedFew = Int(try golden.number("rate_few") * Double(keys.count))
    for (suffix, wanted) in [("", wanted), ("_few", wantedFew)] {
        let draw = RowDraw(
            positives: positives, rowCount: keys.count, wanted: wanted, keys: GivenKeys(keys))
        golden.compare("out.index\(suffix)", integers: draw.rows.map(Int.init))
        golden.compare(
            "out.target\(suffix)", integers: labels.map { draw.position(of: $0) ?? -1 })
    }
    try checkLiteralDraw(golden, labels, positives, keys, wanted: wantedFew)

    let ranges = try golden.numbers("ranges")
    for shard in 0..<(try golden.count("shards")) {
        let (first, count) = (ranges[2 * shard], ranges[2 * shard + 1])
        let local = labels.map { Int($0) - first }.map { (0..<count).contains($0) ? $0 : -1 }
        let draw = RowDraw(
            positives: RowDraw.positives(of: local.filter { $0 >= 0 }.map { Int32($0) }),
            rowCount: count, wanted: Int(try golden.number("rate") * Double(count)),
            keys: GivenKeys(Array(keys[first..<(first + count)])))
        golden.compare("out.shard\(shard).index", integers: draw.rows.map(Int.init))
        golden.compare(
            "out.shard\(shard).target",
            integers: local.map { $0 < 0 ? -1 : draw.position(of: Int32($0)) ?? -1 })
    }
}

private func checkLiteralDraw(
    _ golden: GoldenCase, _ labels: [Int32], _ positives: [Int32], _ keys: [Float], wanted: Int
) throws {
    let literal = RowDraw.literal(
        positives: positives, rowCount: keys.count, wanted: wanted, keys: GivenKeys(keys))
    golden.compare("out.literal_rows", integers: literal.rows.map(Int.init))
    golden.compare(
        "out.literal_negative", integers: (literal.isNegative ?? []).map { $0 ? 1 : 0 })
    let places = labels.map { label in literal.rows.firstIndex(of: label) ?? -1 }
    golden.compare("out.literal_target", integers: places)
}
