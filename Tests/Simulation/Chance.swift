import Storage

/// The only source of chance in a simulation.
struct Chance {
    private var words: SplitMix64

    /// A source that gives the same numbers for the same seed.
    init(seed: UInt64) { words = SplitMix64(seed: seed) }

    mutating func next() -> UInt64 { words.next() }

    /// A number below `bound`.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// True in `percent` of 100 cases.
    mutating func happens(_ percent: Int) -> Bool { below(100) < percent }

    /// A time between two.
    mutating func time(_ range: ClosedRange<Nanoseconds>) -> Nanoseconds {
        range.lowerBound + next() % (range.upperBound - range.lowerBound + 1)
    }

    /// One of several.
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }

    /// A source of its own, so that what it is used for does not disturb this one.
    mutating func split() -> Chance { Chance(seed: next()) }
}
