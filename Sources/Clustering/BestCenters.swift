internal import Buffers

/// The best `depth` centers of each of some samples, so far.
///
/// Higher scores come first; of equal scores the lower center does, in whatever order centers are
/// seen. NaN never enters.
struct BestCenters: Sendable {
    /// Centers kept for each sample.
    let depth: Int
    /// `[rows, depth]`, best first; minus infinity where fewer centers were seen.
    private(set) var scores: [Float]
    /// `[rows, depth]`, the centers of `scores`; `Int32.max` where fewer were seen.
    private(set) var centers: [Int32]

    /// Lists that have seen no center yet.
    init(rowCount: Int, depth: Int) {
        precondition(rowCount >= 0 && depth > 0, "\(rowCount) rows, depth \(depth)")
        self.depth = depth
        scores = Array(repeating: -.infinity, count: rowCount * depth)
        centers = Array(repeating: .max, count: rowCount * depth)
    }

    /// Takes in the scores of a row with centers that follow each other from `first` on.
    @inline(__always)
    mutating func merge(_ values: Span<Float>, row: Int, firstCenter first: Int) {
        guard reaches(values, scores[(row &+ 1) &* depth &- 1]) else { return }
        insert(values, row: row) { Int32(truncatingIfNeeded: first &+ $0) }
    }

    /// Takes in the scores of a row with these centers.
    @inline(__always)
    mutating func merge(_ values: Span<Float>, row: Int, centers: Span<Int32>) {
        guard reaches(values, scores[(row &+ 1) &* depth &- 1]) else { return }
        insert(values, row: row) { centers[$0] }
    }

    /// Whether any score is at least `bound`: 48 at a time, since few rows of a tile have one.
    @inline(__always)
    private func reaches(_ values: Span<Float>, _ bound: Float) -> Bool {
        let bounds = Lanes(repeating: bound)
        let width = values.count
        var index = 0
        while index &+ 48 <= width {
            var reached = values.lanes(at: index) .>= bounds
            reached = reached .| (values.lanes(at: index &+ 8) .>= bounds)
            reached = reached .| (values.lanes(at: index &+ 16) .>= bounds)
            reached = reached .| (values.lanes(at: index &+ 24) .>= bounds)
            reached = reached .| (values.lanes(at: index &+ 32) .>= bounds)
            reached = reached .| (values.lanes(at: index &+ 40) .>= bounds)
            if any(reached) { return true }
            index &+= 48
        }
        while index < width {
            if values[index] >= bound { return true }
            index &+= 1
        }
        return false
    }

    /// Looks at scores one by one where any of eight reaches the worst one kept.
    @inline(never)
    private mutating func insert(
        _ values: Span<Float>, row: Int, _ center: (_ index: Int) -> Int32
    ) {
        var worst = scores[(row &+ 1) &* depth &- 1]
        for first in stride(from: 0, to: values.count, by: 8) {
            let end = min(values.count, first &+ 8)
            guard any(values.lanes(at: first, upTo: end &- first) .>= worst) else { continue }
            for place in first..<end where values[place] >= worst {
                worst = insert(values[place], center(place), row: row)
            }
        }
    }

    /// Puts a center in its place, if it has one; returns the worst score then kept.
    private mutating func insert(_ value: Float, _ center: Int32, row: Int) -> Float {
        let base = row &* depth
        var place = depth
        while place > 0, isBetter(value, center, than: base &+ place &- 1) {
            if place < depth {
                scores[base &+ place] = scores[base &+ place &- 1]
                centers[base &+ place] = centers[base &+ place &- 1]
            }
            place &-= 1
        }
        if place < depth {
            scores[base &+ place] = value
            centers[base &+ place] = center
        }
        return scores[base &+ depth &- 1]
    }

    @inline(__always)
    private func isBetter(_ value: Float, _ center: Int32, than place: Int) -> Bool {
        value > scores[place] || (value == scores[place] && center < centers[place])
    }
}
