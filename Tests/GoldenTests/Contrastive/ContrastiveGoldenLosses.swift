import Kernels
import Objectives
import Tables
import Tensors

/// A bank of the rows in `in.bank`.
func goldenBank(_ golden: GoldenCase, momentum: Float = 0.5) throws -> MemoryBank {
    let rows = try golden.tensor("in.bank")
    return MemoryBank(
        MemoryBank.Settings(
            rowCount: rows.shape[0], dim: rows.shape[1], momentum: momentum, seed: 0, threads: 2),
        rows: rows)
}

/// The losses over all rows, through a bank, in groups that are answered out of order.
func checkInstanceLoss(_ golden: GoldenCase) throws {
    let z = try golden.tensor("in.features")
    let images = try golden.integers("in.indices")
    let loss = try instanceLoss(golden)
    var bank = try goldenBank(golden)
    bank.open(step: 0)
    let count = z.shape[0]
    let bounds = [0, count / 4, count / 4 + count / 3, count]
    var answers: [MemoryBank.Answer?] = [nil, nil, nil]
    for group in [2, 0, 1] {
        let range = bounds[group]..<bounds[group + 1]
        answers[group] = bank.answer(
            group: group, embeddings: z.rows(range), images: Array(images[range]), loss: loss,
            divisor: count)
    }
    let done = answers.compactMap(\.self)
    let losses = done.flatMap(\.losses)
    golden.compare("out.per_sample", losses)
    golden.compare("out.loss", losses.reduce(0) { $0 + Double($1) } / Double(count))
    golden.compare("grad.in.features", done.flatMap { $0.gradient.values })
}

/// The loss that name and metadata of a case tell.
private func instanceLoss(_ golden: GoldenCase) throws -> InstanceLoss {
    let name = golden.name
    func isKind(_ kind: String) -> Bool { name == kind || name.hasPrefix(kind + "_") }
    if isKind("simple") { return InstanceLoss(.simple) }
    if isKind("extreme") { return InstanceLoss(.extreme) }
    if isKind("hardsimple") {
        return InstanceLoss(.hardSimple, hardest: try golden.count("k"))
    }
    let temperature = Float(try golden.number("tau"))
    let epsilon = Float(try golden.number("eps"))
    if isKind("contrastive") {
        return InstanceLoss(.contrastive, temperature: temperature, epsilon: epsilon)
    }
    guard isKind("hard") else { throw GoldenError.unknownVariant(name) }
    guard try golden.text("form") == "formula" else {
        return InstanceLoss(
            .hard, temperature: temperature, hardest: try golden.count("k"), epsilon: epsilon)
    }
    return InstanceLoss(
        .hard, temperature: temperature, hardest: try golden.count("k_negatives") + 1,
        form: .formula, epsilon: epsilon)
}

/// `hard_selection`: which rows are the nearest.
func checkHardSelection(_ golden: GoldenCase) throws {
    let bank = try golden.tensor("in.bank")
    let images = try golden.integers("in.indices")
    let unit = UnitRows(try golden.tensor("in.features")).unit
    let s = InstanceDiscrimination.similarities(unit, .rows(images), MatrixRows(bank))
    golden.compare("out.similarities", s)
    let (k, n) = (try golden.count("k"), bank.shape[0])
    var (columns, values, hasOwn) = ([Int](), [Float](), [Int]())
    for (anchor, image) in images.enumerated() {
        let row = s.rows(anchor..<(anchor + 1)).reshaped([n])
        let own = row.values
        // Most similar first, as the reference lists them; no two are equal.
        let places = LargestValues.places(in: row.span, count: k).map { Int($0) }
            .sorted { own[$0] > own[$1] }
        columns += places
        values += places.map { own[$0] }
        hasOwn.append(places.contains(image) ? 1 : 0)
    }
    golden.compare("out.topk_indices", integers: columns)
    golden.compare("out.topk_values", values)
    golden.compare("out.positive_in_topk", integers: hasOwn)
}

/// The lists of rows that each anchor has drawn.
private func draws(_ golden: GoldenCase) throws -> [[Int32]] {
    let width = try golden.dims("in.draws")[1]
    let rows = try golden.integers("in.draws").map { Int32($0) }
    return stride(from: 0, to: rows.count, by: width).map { Array(rows[$0..<($0 + width)]) }
}

/// `nce`: the constant, probabilities, loss, its gradient by unit features, and the bank's update.
func checkNoiseContrastive(_ golden: GoldenCase) throws {
    let f = try golden.tensor("in.unit_features")
    let draws = try draws(golden)
    let (tau, n) = (Float(try golden.number("tau")), try golden.count("n"))
    var bank = try goldenBank(golden, momentum: Float(try golden.number("momentum")))
    let rows = MatrixRows(try golden.tensor("in.bank"))
    var s = DrawnDiscrimination.similarities(f, draws: draws, rows: rows)
    let constant = NoiseContrastiveLoss.constant(of: s.span, temperature: tau, rowCount: n)
    golden.compare("out.z", Double(constant))
    let loss = NoiseContrastiveLoss(temperature: tau, constant: constant, rowCount: n)
    var span = s.mutableSpan
    loss.probabilities(&span)
    golden.compare("out.probability", s)
    let answer = DrawnDiscrimination.answer(
        f, draws: draws, against: rows, loss, divisor: f.shape[0])
    golden.compare("grad.in.unit_features", answer.unitGradient)

    bank.open(step: 0)
    let through = bank.answer(
        group: 0, embeddings: f, draws: draws, loss: loss, divisor: f.shape[0])
    golden.compare(
        "out.loss", through.losses.reduce(0) { $0 + Double($1) } / Double(f.shape[0]))
    bank.commit()
    golden.compare("out.bank_after", bank.allRows)
}

/// `infonce_sampled`: the softmax over drawn rows.
func checkDrawnSoftmax(_ golden: GoldenCase) throws {
    let z = try golden.tensor("in.features")
    let draws = try draws(golden)
    let tau = Float(try golden.number("tau"))
    var bank = try goldenBank(golden)
    golden.compare("out.logits", bank.similarities(z, draws: draws).values.map { $0 / tau })
    bank.open(step: 0)
    let loss = InstanceLoss(.contrastive, temperature: tau, epsilon: 0)
    // Two groups, the second first.
    let cut = z.shape[0] / 3
    let parts = [0..<cut, cut..<z.shape[0]]
    var answers: [MemoryBank.Answer?] = [nil, nil]
    for group in [1, 0] {
        answers[group] = bank.answer(
            group: group, embeddings: z.rows(parts[group]), draws: Array(draws[parts[group]]),
            loss: loss, divisor: z.shape[0])
    }
    let done = answers.compactMap(\.self)
    let losses = done.flatMap(\.losses)
    golden.compare("out.per_sample", losses)
    golden.compare("out.loss", losses.reduce(0) { $0 + Double($1) } / Double(losses.count))
    golden.compare("grad.in.features", done.flatMap { $0.gradient.values })
}
