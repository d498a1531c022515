import Kernels
import Objectives
import Optimizers
import Tables
import Tensors

/// `loss_*` and `softmax_*`: losses and gradients through a center table, in groups that are
/// answered out of order.
func checkClassification(_ golden: GoldenCase) throws {
    let z = try golden.tensor("in.z")
    let positives = try golden.lists("in.target")
    let settings = try classificationSettings(golden)
    var negatives: [Bool]?
    if golden.has("in.negative") {
        negatives = try golden.integers("in.negative").map { $0 != 0 }
    }
    var table = try tableOfAllRows(golden)

    // Three groups of unequal size, the last first.
    let count = z.shape[0]
    let bounds = [0, count / 4, count / 4 + count / 3, count]
    var answers: [CenterTable.Answer?] = [nil, nil, nil]
    for group in [2, 0, 1] {
        let range = bounds[group]..<bounds[group + 1]
        answers[group] = table.answer(
            group: group, embeddings: z.rows(range),
            labels: positives[range].map { $0.map { Int32($0) } }, loss: settings,
            divisor: count, negatives: negatives)
    }
    let done = answers.compactMap(\.self)
    let perSample = done.flatMap(\.values.perSample)
    golden.compare("out.loss", done.reduce(0.0) { $0 + $1.values.sum } / Double(count))
    if golden.has("out.per_sample") { golden.compare("out.per_sample", perSample) }
    if golden.has("out.positive_part") {
        golden.compare("out.positive_part", done.flatMap(\.values.positiveParts))
        golden.compare("out.negative_part", done.flatMap(\.values.negativeParts))
    }
    if golden.has("grad.z") {
        golden.compare("grad.z", done.flatMap { $0.gradient.values })
        golden.compare("grad.weight", table.rowGradients())
    }
    if golden.has("out.mean_positive_cosine") {
        let cosines = table.commit(rate: 0).cosines
        golden.compare("out.mean_positive_cosine", cosines.positiveMean)
        golden.compare("out.mean_negative_cosine", cosines.negativeMean)
    }
}

/// The loss that name and metadata of a case tell.
func classificationSettings(_ golden: GoldenCase) throws -> ClassificationSettings {
    var settings = ClassificationSettings(
        scale: Float(try golden.number("scale")), angularMargin: 0)
    if golden.name.hasPrefix("softmax_") {
        settings.kind = .softmax
        settings.angularMargin = Float(try golden.number("angular_margin"))
        settings.additiveMargin = Float(try golden.number("additive_margin"))
        settings.filter = Float(try golden.number("filter"))
    } else {
        let isMLCD = golden.name == "loss_mlcd" || golden.name.hasPrefix("loss_mlcd_")
        settings.kind = isMLCD ? .mlcd : .mlc
        settings.angularMargin = Float(try golden.number("margin"))
    }
    // One case gives losses alone and says nothing of derivatives.
    if golden.has("grad.z") {
        settings.exactMarginDerivative =
            try !golden.text("margin_derivative").hasPrefix("1")
    }
    return settings
}

/// A table of the rows in `in.weight`, all of them drawn.
private func tableOfAllRows(_ golden: GoldenCase) throws -> CenterTable {
    let rows = try golden.tensor("in.weight")
    let settings = CenterTable.Settings(
        rowCount: rows.shape[0], dim: rows.shape[1], rate: 1, rule: .sgd(SGDMomentum()), seed: 0)
    var table = CenterTable(settings, rows: rows)
    table.open(step: 0, positives: [])
    if golden.has("in.features") {
        let features = FeatureSubset(try golden.integers("in.features"), of: rows.shape[1])
        table.open(step: 0, draws: table.currentDraws, features: features)
    }
    return table
}

/// `softmax_parallel`: every column of labels has a draw and a loss of its own; the gradient is
/// that of their sum, the mean is what is reported.
func checkParallelSoftmax(_ golden: GoldenCase) throws {
    let (z, rows) = (try golden.tensor("in.z"), try golden.tensor("in.table"))
    let labels = try golden.lists("in.labels")
    let (count, columns) = (labels.count, labels[0].count)
    let keys = try golden.floats("in.draws")
    let loss = ClassificationSettings(
        kind: .softmax, scale: Float(try golden.number("scale")),
        angularMargin: Float(try golden.number("margin")),
        filter: Float(try golden.number("filter")))
    let k = rows.shape[0]
    var table = CenterTable(
        CenterTable.Settings(
            rowCount: k, dim: rows.shape[1], rate: try golden.number("rate"),
            rule: .sgd(SGDMomentum()), seed: 0),
        rows: rows)
    let draws = (0..<columns).map { column in
        RowDraw(
            positives: RowDraw.positives(of: labels.map { Int32($0[column]) }), rowCount: k,
            wanted: table.settings.wanted,
            keys: GivenKeys(Array(keys[(column * k)..<((column + 1) * k)])))
    }
    table.open(step: 0, draws: draws)
    // Two groups, the second first.
    var answers: [CenterTable.Answer?] = [nil, nil]
    for (group, range) in [(1, (count / 3)..<count), (0, 0..<(count / 3))] {
        answers[group] = table.answer(
            group: group, embeddings: z.rows(range),
            labels: labels[range].map { $0.map { Int32($0) } }, loss: loss, divisor: count)
    }
    let done = answers.compactMap(\.self)
    for column in 0..<columns {
        golden.compare("out.column\(column).index", integers: draws[column].rows.map(Int.init))
        golden.compare(
            "out.column\(column).loss",
            done.reduce(0.0) { $0 + $1.columns[column].sum } / Double(count))
    }
    let sum = done.reduce(0.0) { $0 + $1.values.sum } / Double(count)
    golden.compare("out.loss", sum)
    golden.compare("out.reported_loss", sum / Double(columns))
    golden.compare("grad.z", done.flatMap { $0.gradient.values })
    // Rows that no column has drawn have no gradient.
    let gradients = table.rowGradients()
    var whole = [Float](repeating: 0, count: rows.count)
    let drawn = RowDraw.positives(of: draws.map(\.rows).joined())
    for (place, row) in drawn.enumerated() {
        let values = gradients.rows(place..<(place + 1)).values
        whole.replaceSubrange((Int(row) * z.shape[1])..<((Int(row) + 1) * z.shape[1]), with: values)
    }
    golden.compare("grad.table", whole)
}

/// `ambiguity`: equal gaps at two places are equal to `mlc` and differ to `mlcd`.
func checkAmbiguity(_ golden: GoldenCase) throws {
    let pairs = try golden.tensor("in.negative_positive")
    let scale = Float(try golden.number("scale"))
    let count = pairs.shape[0]
    let values = pairs.values
    for kind in [ClassificationSettings.Kind.mlc, .mlcd] {
        var loss = ClassificationLoss(
            ClassificationSettings(kind: kind, scale: scale, angularMargin: 0),
            positives: PositiveColumns(Array(repeating: [1], count: count)),
            cosines: (0..<count).map { PositiveCosine(values[2 * $0 + 1]) }, columnCount: 2,
            divisor: count)
        // One row of negatives, one that is everybody's positive.
        var tile = Tensor(
            (0..<(2 * count)).map { values[2 * ($0 % count) + $0 / count] }, shape: [2, count])
        var span = tile.mutableSpan
        var sums = NegativeSums(sampleCount: count)
        loss.exponentiate(&span, columns: 0..<2, inverseLengths: [1, 1], into: &sums)
        loss.combine(sums)
        golden.compare("out.\(kind.rawValue)", loss.finish().perSample)
    }
}
