import Clustering
import Storage

/// What a clustering came to, for people and as JSON.
struct ClusterJobReport {
    let out: String
    let samples: Samples
    let result: ClusteringResult
    /// Whether this process made all searches and so knows what was scored.
    let countsScores: Bool
    /// Seconds before the search for labels, and of it.
    let seconds: Double
    let labelSeconds: Double

    /// Some lines.
    var text: String {
        var lines = ["\(out): \(result.report)"]
        lines.append("cluster sizes: " + result.report.sizesText)
        if let agreement = result.agreement {
            lines.append(
                "of \(grouped(agreement.sampleCount)) samples "
                    + "\(decimals(100 * agreement.first, 2)) % have the nearest of all centers as "
                    + "first label; recall@\(agreement.depth) "
                    + "\(decimals(100 * agreement.recall, 2)) %; an iteration finds the nearest of "
                    + "\(decimals(100 * agreement.iterationFirst, 2)) %")
        }
        lines.append(
            "\(result.objectives.count) iterations in \(duration(seconds)), labels in "
                + "\(duration(labelSeconds))")
        return lines.joined(separator: "\n")
    }

    /// The same for programs.
    var json: String { ClusterJobDocument(self).json }
}

/// A clustering's report as `--json` prints it.
private struct ClusterJobDocument: JSONDocument {
    let out: String
    let samples: Int
    let dim: Int
    let centers: Int
    let iterations: Int
    let objectives: [Double]
    let labelSimilarity: Double
    let empty: Int
    let largest: Int
    let median: Int
    let imbalance: Double
    let occupancy: [ClusterSizes]
    /// Scores that the iterations computed, and what part of an exact search's these and the
    /// labels' are; left out where workers searched.
    let scores: Int?
    let scoresOfExact: Double?
    let labelScoresOfExact: Double?
    /// Of a search in cells: samples compared with an exact one, and how often they agree.
    let checked: Int?
    let agreement: Double?
    let iterationAgreement: Double?
    let recall: Double?
    let seconds: Double
    let labelSeconds: Double

    enum CodingKeys: String, CodingKey {
        case out, samples, dim, centers, iterations, objectives, empty, largest, median, imbalance
        case occupancy, scores, checked, agreement, recall, seconds
        case labelSimilarity = "label_similarity"
        case scoresOfExact = "scores_of_exact"
        case labelScoresOfExact = "label_scores_of_exact"
        case iterationAgreement = "iteration_agreement"
        case labelSeconds = "label_seconds"
    }

    init(_ job: ClusterJobReport) {
        let (result, report) = (job.result, job.result.report)
        let exact = Double(report.sampleCount) * Double(report.clusterCount)
        out = job.out
        samples = report.sampleCount
        dim = job.samples.dim
        centers = report.clusterCount
        iterations = result.objectives.count
        objectives = result.objectives
        labelSimilarity = result.meanSimilarity
        empty = report.emptyCount
        largest = report.largest
        median = report.median
        imbalance = report.imbalance
        occupancy = report.sizes
        scores = job.countsScores ? result.scoreCount : nil
        scoresOfExact = scores.map { Double($0) / exact / Double(max(result.objectives.count, 1)) }
        labelScoresOfExact = job.countsScores ? Double(result.labelScoreCount) / exact : nil
        checked = result.agreement?.sampleCount
        agreement = result.agreement?.first
        iterationAgreement = result.agreement?.iterationFirst
        recall = result.agreement?.recall
        seconds = job.seconds
        labelSeconds = job.labelSeconds
    }
}
