import Optimizers
import Tables
import Tensors

/// `optimizer_*`: some updates of drawn rows.
///
/// `rows`: the others keep weight and moments; `dense`: they decay and move by their moments.
func checkTableOptimizer(_ golden: GoldenCase) throws {
    let start = try golden.tensor("in.table")
    let rule: UpdateRule
    var moments = ["out.momentum"]
    if golden.name.hasPrefix("optimizer_sgd") {
        rule = .sgd(
            SGDMomentum(
                momentum: try golden.number("momentum"),
                weightDecay: try golden.number("weight_decay")))
    } else {
        rule = .adamW(
            AdamW(
                beta1: try golden.number("beta1"), beta2: try golden.number("beta2"),
                epsilon: try golden.number("eps"),
                weightDecay: try golden.number("weight_decay")))
        moments = ["out.exp_avg", "out.exp_avg_sq"]
    }
    var settings = CenterTable.Settings(
        rowCount: start.shape[0], dim: start.shape[1], rate: 1, rule: rule, seed: 0)
    settings.update = try golden.flag("rows_only") ? .rows : .dense
    var table = CenterTable(settings, rows: start)
    let rates = try golden.floats("in.lr")
    var after: [Float] = []
    for step in 0..<(try golden.count("steps")) {
        table.move(
            try golden.integers("in.index\(step)").map { Int32($0) },
            gradient: try golden.tensor("in.grad\(step)"), rate: Double(rates[step]))
        after += table.allRows.values
    }
    golden.compare("out.table_after", after)
    for (index, name) in moments.enumerated() { golden.compare(name, table.moment(index)) }
    if let problem = table.brokenInvariant() { golden.fail(problem) }
}

/// `schedules`: every curve at every step.
func checkSchedules(_ golden: GoldenCase) throws {
    let (base, total) = (try golden.number("base"), try golden.count("total"))
    let warmup = try golden.count("warmup")
    let curves: [(String, LearningRateSchedule.Curve)] = [
        ("polynomial_1", .polynomial(warmup: warmup, power: 1)),
        ("polynomial_2", .polynomial(warmup: warmup, power: 2)),
        ("halved_polynomial_2", .halvedPolynomial(warmup: warmup, power: 2)),
        ("warmup_cosine", .warmupCosine(warmup: warmup)),
        ("one_cycle_lr", .oneCycle(startFraction: 0.1)),
    ]
    for (name, curve) in curves {
        let schedule = LearningRateSchedule(curve, base: base, total: total)
        golden.compare("out.\(name)", (0..<total).map { schedule.rate(at: $0) })
        if name == "one_cycle_lr" {
            golden.compare(
                "out.one_cycle_beta1", (0..<total).compactMap { schedule.firstBeta(at: $0) })
        }
    }
}
