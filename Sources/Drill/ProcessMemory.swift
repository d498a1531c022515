/// Growth of the resident memory of a life that lasted.
struct MemoryGrowth: Hashable, Sendable {
    /// Of which process.
    var name: String
    /// How long it lived.
    var seconds: Double
    /// The first third of the time after the warm-up, and the last one.
    var from: MemoryWindow
    var to: MemoryWindow
    /// The growth of what is held at least, as a fraction of what it was.
    var fraction: Double { Double(to.leastKiB - from.leastKiB) / Double(from.leastKiB) }
}

/// Resident memory over a window.
struct MemoryWindow: Hashable, Sendable {
    /// The least.
    var leastKiB: Int
    /// The median.
    var medianKiB: Int
}

/// Resident memory of a process over its life.
///
/// What a process needs comes and goes: who stands in for another worker computes more slices at a
/// time for a while, a worker that has lost its connection has none in hand, and a checkpoint takes
/// its copy. What has leaked never goes. So growth is that of the least memory in a window, which a
/// leak raises and a busy moment does not; windows are so long that each has quiet moments.
struct ProcessMemory: Sendable {
    /// How long after its start a process counts as warm: its pools have reached what they need.
    static let warmUpSeconds = 60.0
    /// A window is a third of the time after the warm-up, but at least some faults long.
    static let windowSecondsMin = 60.0
    /// A shorter life tells nothing of growth.
    static let lifeSecondsMin = warmUpSeconds + 3 * windowSecondsMin

    let name: String
    private var samples: [(at: Double, residentKiB: Int)] = []

    /// A life that begins.
    init(name: String) { self.name = name }

    /// Takes its memory down, in order of time.
    mutating func note(residentKiB: Int, at moment: Double) {
        samples.append((moment, residentKiB))
    }

    /// The growth from the first window after the warm-up to the last one; nil if the life was too
    /// short.
    var growth: MemoryGrowth? {
        guard let first = samples.first?.at, let last = samples.last?.at,
            last - first >= Self.lifeSecondsMin
        else { return nil }
        let warm = first + Self.warmUpSeconds
        let length = (last - warm) / 3
        guard let from = window(warm...(warm + length)), let to = window((last - length)...last)
        else { return nil }
        return MemoryGrowth(name: name, seconds: last - first, from: from, to: to)
    }

    private func window(_ span: ClosedRange<Double>) -> MemoryWindow? {
        let sizes = samples.filter { span.contains($0.at) }.map(\.residentKiB).sorted()
        return sizes.first.map { MemoryWindow(leastKiB: $0, medianKiB: sizes[sizes.count / 2]) }
    }
}
