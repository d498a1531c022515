internal import Kernels
internal import Tensors
internal import Threads

/// The means of the clusters of a range; zeros for an empty one.
///
/// Each is the sum of its members in rising order in double precision, divided by their count. So
/// it depends on members alone: not on the range, nor on who computes it. Samples are read from the
/// first to the last, so that a file is read in its order.
///
/// - Parameters:
///   - clusters: a range of cluster numbers.
///   - labels: the cluster of each sample.
///   - counts: samples of each cluster.
/// - Returns: `[clusters.count, d]`.
func clusterMeans(
    _ clusters: Range<Int>, of samples: Samples, labels: [Int32], counts: [Int]
) -> Tensor {
    let dim = samples.dim
    var sums = [Double](repeating: 0, count: clusters.count * dim)
    let wanted = Int32(clusters.lowerBound)..<Int32(clusters.upperBound)
    let gatheredMax = 256
    var gathered: [Int32] = []
    gathered.reserveCapacity(gatheredMax)
    var block = Tensor(uninitialized: [gatheredMax, dim])
    for sample in 0...labels.count {
        if sample < labels.count, wanted.contains(labels[sample]) {
            gathered.append(Int32(sample))
        }
        guard gathered.count == gatheredMax || sample == labels.count else { continue }
        var all = block.mutableSpan
        var output = all._mutatingExtracting(0..<(gathered.count * dim))
        samples.gather(gathered.span, into: &output)
        for (row, member) in gathered.enumerated() {
            let base = (Int(labels[Int(member)]) - clusters.lowerBound) * dim
            for column in 0..<dim { sums[base + column] += Double(output[row * dim + column]) }
        }
        gathered.removeAll(keepingCapacity: true)
    }
    var means = Tensor(uninitialized: [clusters.count, dim])
    var output = means.mutableSpan
    for cluster in clusters {
        let count = Double(max(counts[cluster], 1))
        let base = (cluster - clusters.lowerBound) * dim
        for column in base..<(base + dim) { output[column] = Float(sums[column] / count) }
    }
    return means
}

/// The means of all clusters, `[k, d]`, on several threads (see `clusterMeans`).
func allClusterMeans(
    of samples: Samples, labels: [Int32], counts: [Int], threads: Int
) -> Tensor {
    // Each range reads all labels and, of a file, most pages: as few as threads and memory allow.
    let sumsMax = 32 << 20
    let perRange = max(1, sumsMax / samples.dim)
    let k = counts.count
    let ranges = max(min(threads, k), (k + perRange - 1) / perRange)
    let parts = mapBlocks(count: ranges, threads: threads) { range in
        clusterMeans(
            (range * k / ranges)..<((range + 1) * k / ranges), of: samples, labels: labels,
            counts: counts)
    }
    return joined(parts, rows: k, dim: samples.dim)
}

/// The rows scaled to unit length, `Tensor.unitRows`, on several threads.
func unitRows(_ matrix: Tensor, threads: Int) -> Tensor {
    let parts = mapRowBlocks(matrix.shape[0], threads: threads) { matrix.rows($0).unitRows() }
    return joined(parts, rows: matrix.shape[0], dim: matrix.shape[1])
}

/// Matrices one below the other.
func joined(_ parts: [Tensor], rows: Int, dim: Int) -> Tensor {
    if parts.count == 1 { return parts[0] }
    var result = Tensor(uninitialized: [rows, dim])
    var output = result.mutableSpan
    var place = 0
    for part in parts {
        var piece = output._mutatingExtracting(place..<(place + part.count))
        Vector.copy(part.span, into: &piece)
        place += part.count
    }
    precondition(place == rows * dim, "\(place) floats are not \(rows) x \(dim)")
    return result
}
