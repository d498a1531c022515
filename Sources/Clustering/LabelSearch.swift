internal import Kernels
internal import Tensors

/// Looks up the labels of samples: their most similar centers by cosine.
struct LabelSearch: Sendable {
    /// `[k, d]`, unit length.
    let centers: Tensor
    /// Cells that speed the search up; nil to score all centers.
    let cells: CellQuantizer?
    let threads: Int

    /// The labels of all samples, and how many scores that took.
    func labels(
        of samples: Samples, perSample: Int, meter: WorkMeter
    ) throws(ClusteringError) -> (ClusterLabels, scoreCount: Int) {
        let samples = samples.atUnitLength()
        let found: NearestCenters
        var built = 0
        if let cells {
            let search = cells.search(
                among: centers, spherical: true, isForLabels: true, threads: threads)
            built = search.buildScoreCount
            found = try search.nearest(
                of: samples, depth: perSample, threads: threads, meter: meter)
        } else {
            found = try ExactSearch(centers, spherical: true).nearest(
                of: samples, depth: perSample, threads: threads, meter: meter)
        }
        let labels = ClusterLabels(
            perSample: perSample, clusterCount: centers.shape[0],
            labels: found.centers, similarities: found.scores)
        return (labels, found.scoreCount + built)
    }

    /// Compares labels with those of an exact search, and the centers that an iteration would find
    /// with the nearest ones, over an even selection of samples.
    func agreement(
        of labels: ClusterLabels, with samples: Samples, meter: WorkMeter
    ) throws(ClusteringError) -> SearchAgreement {
        let count = min(samples.count, SearchAgreement.samplesMax)
        let chosen = (0..<count).map { Int32($0 * samples.count / count) }
        let some = Samples(matrix: samples.atUnitLength().tensor(of: chosen))
        meter.begin(.check, total: count, from: 0.99, to: 1)
        let exact = try ExactSearch(centers, spherical: true).nearest(
            of: some, depth: labels.perSample, threads: threads, meter: meter)
        let again = cells?.search(
            among: centers, spherical: true, isForLabels: false, threads: threads
        ).nearest(of: some, depth: 1, threads: threads)
        var (first, all, ofIteration) = (0, 0, 0)
        for (place, sample) in chosen.enumerated() {
            let wanted = exact.centers[
                (place * labels.perSample)..<((place + 1) * labels.perSample)]
            let found = labels.labels(of: Int(sample))
            if found.first == wanted.first { first += 1 }
            if again?.centers[place] == wanted.first { ofIteration += 1 }
            all += wanted.count { found.contains($0) }
        }
        return SearchAgreement(
            sampleCount: count, first: Double(first) / Double(count),
            iterationFirst: Double(ofIteration) / Double(count), depth: labels.perSample,
            recall: Double(all) / Double(count * labels.perSample))
    }
}

/// How an accelerated search compares with an exact one.
public struct SearchAgreement: Hashable, Sendable {
    /// Samples that were compared.
    public let sampleCount: Int
    /// The part of them whose first label is the nearest of all centers.
    public let first: Double
    /// The part of them for which an iteration, with its fewer probes, finds the nearest one.
    public let iterationFirst: Double
    /// Labels of each sample.
    public let depth: Int
    /// The part of the `depth` nearest centers that are among the labels.
    public let recall: Double

    /// Samples that are compared at most.
    static let samplesMax = 10_000
}
