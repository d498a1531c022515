/// Growth of the resident memory of a life that lasted.
struct MemoryGrowth: Hashable, Sendable {
    /// Of which process.
    var name: String
    /// How long it lived.
    var seconds: Double
    /// The median over the time after the warm-up of the least memory in a block.
    var heldKiB: Double
    /// By how much that rose from the end of the warm-up to the end of the life.
    var growthKiB: Double
    /// The growth as a fraction of what was held.
    var fraction: Double { growthKiB / heldKiB }
}

/// Resident memory of a process over its life.
///
/// What a process needs comes and goes: who stands in for another worker computes more slices at a
/// time for a while, a worker that has lost its connection has none in hand, and a checkpoint takes
/// its copy. What has leaked never goes. So the time after the warm-up is cut into blocks, of which
/// the least memory counts, which busy moments do not raise; and the growth is the slope of the
/// line through the blocks by Theil and Sen, the median of the slopes between every two of them,
/// which blocks that are busy, or idle, from end to end do not move as long as they are few.
///
/// Source: Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968, section 3.
struct ProcessMemory: Sendable {
    /// How long after its start a process counts as warm: its pools have reached what they need.
    static let warmUpSeconds = 60.0
    /// The length of a block: less than the time between two faults.
    static let blockSeconds = 15.0
    /// A life of fewer blocks tells nothing of growth.
    static let blocksMin = 12

    let name: String
    private var first: Double?
    private var last = 0.0
    private var leastKiB: [Int] = []

    /// A life that begins.
    init(name: String) { self.name = name }

    /// Takes its memory down, in order of time.
    mutating func note(residentKiB: Int, at moment: Double) {
        let start = first ?? moment
        (first, last) = (start, moment)
        let warm = moment - start - Self.warmUpSeconds
        guard warm >= 0 else { return }
        let block = Int(warm / Self.blockSeconds)
        if block < leastKiB.count {
            leastKiB[block] = min(leastKiB[block], residentKiB)
        } else {
            // Who was not looked at for a whole block held what it held before.
            let before = leastKiB.last ?? residentKiB
            leastKiB += [Int](repeating: before, count: block - leastKiB.count) + [residentKiB]
        }
    }

    /// The growth over all whole blocks; nil if the life was too short.
    var growth: MemoryGrowth? {
        guard let first else { return nil }
        let warm = last - first - Self.warmUpSeconds
        let blocks = leastKiB.prefix(Int(max(0, warm) / Self.blockSeconds)).map(Double.init)
        guard blocks.count >= Self.blocksMin else { return nil }
        var slopes: [Double] = []
        for from in blocks.indices {
            for to in blocks.indices.dropFirst(from + 1) {
                slopes.append((blocks[to] - blocks[from]) / Double(to - from))
            }
        }
        return MemoryGrowth(
            name: name, seconds: last - first, heldKiB: median(blocks),
            growthKiB: median(slopes) * Double(blocks.count))
    }

    private func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2)
            ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}
