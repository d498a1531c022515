internal import Tensors

/// Which centers a gallery shows.
public enum CenterChoice: Sendable, Hashable {
    /// So many, spread over the order of their sizes from the largest to the smallest: what is seen
    /// stands for all. Empty ones come last, and only where there are not enough others.
    case spread(Int)
    /// So many, drawn without repetition from all that have samples.
    case drawn(Int, seed: UInt64)
    /// These.
    case named([Int])

    /// The centers' numbers, in the order in which they are shown.
    ///
    /// - Parameter counts: samples of each center.
    /// - Throws: `InspectionError.noCenter` if one that is named is not there.
    public func centers(counts: [Int]) throws(InspectionError) -> [Int] {
        switch self {
        case .named(let centers):
            if let absent = centers.first(where: { !counts.indices.contains($0) }) {
                throw .noCenter(absent, count: counts.count)
            }
            return centers
        case .spread(let count):
            let order = counts.indices.sorted { (counts[$1], $0) < (counts[$0], $1) }
            let filled = counts.count { $0 > 0 }
            let range = filled >= count ? filled : min(count, counts.count)
            return Self.places(count, of: range).map { order[$0] }
        case .drawn(let count, let seed):
            let filled = counts.indices.filter { counts[$0] > 0 }
            let random = CounterRandom(seed: seed, stream: .shownCenters)
            return random.permutation(filled.count).prefix(count).map { filled[$0] }.sorted()
        }
    }

    /// Places from first to last at even distances.
    private static func places(_ count: Int, of range: Int) -> [Int] {
        guard count < range else { return Array(0..<range) }
        guard count > 1 else { return count == 1 ? [0] : [] }
        return (0..<count).map { $0 * (range - 1) / (count - 1) }
    }
}
