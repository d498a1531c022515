import Evaluation
import Foundation
import Tensors

/// `hardness`: how the push is divided among negatives, at several temperatures.
func checkHardness(_ golden: GoldenCase) throws {
    let s = try golden.tensor("in.similarities")
    let own = try golden.integers("in.indices")
    let analyses = try golden.floats("in.taus").flatMap { tau in
        own.enumerated().map { anchor, place in
            PenaltyAnalysis(
                similarities: s.rows(anchor..<(anchor + 1)).values, own: place,
                temperature: Double(tau))
        }
    }
    golden.compare("out.probability", analyses.flatMap(\.probabilities))
    golden.compare("out.dloss_dpositive", analyses.map(\.positiveSlope))
    golden.compare("out.dloss_dnegative", analyses.flatMap(\.negativeSlopes))
    golden.compare("out.relative_penalty", analyses.flatMap(\.relativePenalties))
    golden.compare("out.penalty_entropy", analyses.map(\.entropy))
    golden.compare("out.dentropy_dtau", analyses.map(\.entropySlope))
}

/// `limits`: what the loss becomes at low and at high temperatures.
func checkTemperatureLimits(_ golden: GoldenCase) throws {
    let s = try golden.tensor("in.similarities")
    let limits = try golden.integers("in.indices").enumerated().map { anchor, place in
        TemperatureLimits(similarities: s.rows(anchor..<(anchor + 1)).values, own: place)
    }
    golden.compare(
        "out.tau_times_loss_cold",
        try golden.floats("in.tau_cold").flatMap { tau in
            limits.map { $0.scaledLoss(Double(tau)) }
        })
    golden.compare("out.limit_cold", limits.map(\.cold))
    golden.compare(
        "out.tau_times_loss_minus_logN_hot",
        try golden.floats("in.tau_hot").flatMap { tau in
            limits.map { $0.centredLoss(Double(tau)) }
        })
    golden.compare("out.limit_hot", limits.map(\.hot))
}

/// `metrics`: what embeddings look like as a whole.
func checkContrastiveMetrics(_ golden: GoldenCase) throws {
    let f = try golden.tensor("in.embeddings")
    let t = try golden.number("t")
    let loss = uniformityLoss(of: f, t: t, threads: 2)
    golden.compare("out.uniformity", loss)
    golden.compare("out.uniformity_t1", uniformityLoss(of: f, t: 1, threads: 2))
    // Over ordered pairs with i = j, which is another figure: each of n ones more.
    let n = Double(f.shape[0])
    let mean = (exp(loss) * n * (n - 1) + n) / (n * n)
    golden.compare("out.uniformity_ordered_pairs_with_self", log(mean))

    guard let tolerance = Tolerance(of: f, labels: try golden.integers("in.labels")) else {
        return golden.fail("no pair of one class")
    }
    golden.compare("out.tolerance", tolerance.meanOfSameClass)
    golden.compare("out.tolerance_indicator_mean", tolerance.meanOfIndicated)
    let alignment = Alignment(of: f, and: try golden.tensor("in.augmented"))
    golden.compare("out.alignment", alignment.meanSquaredDistance)
    golden.compare("out.mean_positive_similarity", alignment.meanSimilarity)
    golden.compare(
        "out.mean_top10_negative_similarity",
        meanNearestSimilarities(
            of: f, ranks: try golden.dims("out.mean_top10_negative_similarity")[0], threads: 2))
    try checkEmbeddingAnalysis(golden, of: f)
}

/// The same figures as an analysis has them, the augmented embeddings being the other view.
private func checkEmbeddingAnalysis(_ golden: GoldenCase, of f: Tensor) throws {
    let analysis = EmbeddingAnalysis(
        of: f, labels: try golden.integers("in.labels"),
        views: .init(f, try golden.tensor("in.augmented")), losses: [], threads: 2)
    guard let tolerance = analysis.tolerance, let alignment = analysis.alignment,
        let positive = analysis.positiveSimilarity
    else { return golden.fail("an analysis without tolerance or alignment") }
    golden.compare("out.uniformity", -analysis.uniformity)
    golden.compare("out.tolerance", tolerance)
    golden.compare("out.alignment", alignment)
    golden.compare("out.mean_positive_similarity", positive)
    golden.compare("out.mean_top10_negative_similarity", analysis.nearestSimilarities)
}

/// `knn`: the monitor's votes.
func checkNeighbourScores(_ golden: GoldenCase) throws {
    let scores = NeighbourScores(
        queries: try golden.tensor("in.queries"), bank: try golden.tensor("in.bank"),
        labels: try golden.integers("in.labels"), classCount: try golden.count("classes"),
        neighbours: try golden.count("k"), sigma: Float(try golden.number("sigma")), threads: 2)
    golden.compare("out.neighbours", integers: scores.neighbours.map { Int($0) })
    golden.compare("out.scores", scores.scores)
    golden.compare("out.prediction", integers: scores.predictions)
}
