/// Share of rows whose true class is among the `top` highest scores.
///
/// - Parameters:
///   - scores: `[n, classCount]`; of equal scores the lower class comes first.
///   - labels: `[n]`.
public func topAccuracy(
    _ scores: [Float], classCount: Int, labels: [Int], top: Int = 1
) -> Double {
    precondition(scores.count == labels.count * classCount, "\(scores.count) scores")
    var hits = 0
    for (row, label) in labels.enumerated() {
        let base = row * classCount
        let own = scores[base + label]
        var before = 0
        for other in 0..<classCount where other != label {
            let score = scores[base + other]
            if score > own || (score == own && other < label) { before += 1 }
        }
        if before < top { hits += 1 }
    }
    return labels.isEmpty ? 0 : Double(hits) / Double(labels.count)
}

/// The class with the highest score of each row, of equal ones the lowest.
public func predictedClasses(_ scores: [Float], classCount: Int) -> [Int] {
    (0..<(scores.count / classCount)).map { row in
        var best = 0
        for other in 1..<classCount
        where scores[row * classCount + other] > scores[row * classCount + best] {
            best = other
        }
        return best
    }
}

/// The mean over classes of the share of a class's samples that are predicted as it; classes
/// without a sample are left out (sheet MLCD section 5: Aircraft, Pets, Caltech, Flowers).
public func meanPerClassAccuracy(
    _ scores: [Float], classCount: Int, labels: [Int]
) -> Double {
    let predicted = predictedClasses(scores, classCount: classCount)
    var hits = [Int](repeating: 0, count: classCount)
    var counts = hits
    for (found, label) in zip(predicted, labels) {
        counts[label] += 1
        if found == label { hits[label] += 1 }
    }
    let shares = zip(hits, counts).filter { $0.1 > 0 }.map { Double($0.0) / Double($0.1) }
    return shares.isEmpty ? 0 : shares.reduce(0, +) / Double(shares.count)
}

/// Average precision of one class at eleven recall levels (VOC2007's protocol).
///
/// At each of 0, 0.1 to 1 the highest precision among ranks that reach that recall.
///
/// - Parameters:
///   - scores: one a sample; equal ones rank in the order given.
///   - truth: whether a sample is of the class; at least one is.
public func elevenPointAveragePrecision(_ scores: [Float], truth: [Bool]) -> Double {
    precondition(scores.count == truth.count, "\(scores.count) scores, \(truth.count) truths")
    let order = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }
    let positives = truth.count { $0 }
    guard positives > 0 else { return 0 }
    var best = [Double](repeating: 0, count: 11)
    var hits = 0
    for (rank, sample) in order.enumerated() {
        if truth[sample] { hits += 1 }
        let precision = Double(hits) / Double(rank + 1)
        let recall = Double(hits) / Double(positives)
        // 1e-12 forgives the rounding of level / 10.
        for level in 0...10 where recall >= Double(level) / 10 - 1e-12 {
            best[level] = max(best[level], precision)
        }
    }
    return best.reduce(0, +) / 11
}

/// The mean of `elevenPointAveragePrecision` over all classes.
public func elevenPointMeanAveragePrecision(
    _ scores: [Float], classCount: Int, labels: [Int]
) -> Double {
    let each = (0..<classCount).map { wanted in
        elevenPointAveragePrecision(
            labels.indices.map { scores[$0 * classCount + wanted] },
            truth: labels.map { $0 == wanted })
    }
    return each.reduce(0, +) / Double(classCount)
}

/// The chance that a positive scores above a negative, ties counting half (area under the ROC
/// curve; sheet MLCD section 5: Hateful Memes).
public func areaUnderROC(_ scores: [Float], truth: [Bool]) -> Double {
    precondition(scores.count == truth.count, "\(scores.count) scores, \(truth.count) truths")
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    let positives = truth.count { $0 }
    let negatives = truth.count - positives
    guard positives > 0, negatives > 0 else { return 0.5 }
    var (below, wins) = (0, 0.0)
    var at = 0
    while at < order.count {
        var end = at
        while end < order.count, scores[order[end]] == scores[order[at]] { end += 1 }
        let hits = order[at..<end].count { truth[$0] }
        let misses = end - at - hits
        wins += Double(hits) * (Double(below) + 0.5 * Double(misses))
        below += misses
        at = end
    }
    return wins / (Double(positives) * Double(negatives))
}

/// The mean of top-1 and top-`top` accuracy (sheet MLCD section 5: Kinetics700, top 5).
public func meanOfTopAccuracies(
    _ scores: [Float], classCount: Int, labels: [Int], top: Int = 5
) -> Double {
    let first = topAccuracy(scores, classCount: classCount, labels: labels)
    return (first + topAccuracy(scores, classCount: classCount, labels: labels, top: top)) / 2
}
