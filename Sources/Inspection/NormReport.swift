/// How the lengths of a table's rows are spread.
public struct NormReport: Sendable, Hashable {
    /// Rows in an interval of lengths.
    public struct Bin: Sendable, Hashable {
        /// The least length in it.
        public var from: Double
        /// What all lengths in it lie below.
        public var to: Double
        /// Rows.
        public var rows: Int
    }

    /// Rows whose length is no finite number: they are left out of everything else.
    public let notFiniteCount: Int
    /// The least length; 0 if there is none.
    public let least: Float
    /// The greatest length; 0 if there is none.
    public let greatest: Float
    /// The length in the middle of their order; 0 if there is none.
    public let median: Float
    /// The mean length; 0 if there is none.
    public let mean: Double
    /// Rows by length, in bins of equal width without a gap.
    public let histogram: [Bin]

    /// Bins at most.
    static let binsMax = 16

    /// A report of these lengths.
    public init(_ norms: [Float]) {
        var sorted = norms.filter(\.isFinite)
        sorted.sort()
        notFiniteCount = norms.count - sorted.count
        guard let least = sorted.first, let greatest = sorted.last else {
            (self.least, self.greatest, median, mean, histogram) = (0, 0, 0, 0, [])
            return
        }
        (self.least, self.greatest) = (least, greatest)
        median = sorted[sorted.count / 2]
        mean = sorted.reduce(0.0) { $0 + Double($1) } / Double(sorted.count)
        histogram = Self.bins(sorted, from: Double(least), to: Double(greatest))
    }

    /// Bins whose edges are round numbers: multiples of 1, 2 or 5 times a power of ten.
    private static func bins(_ sorted: [Float], from least: Double, to greatest: Double) -> [Bin] {
        let step = RoundStep(atLeast: (greatest - least) / Double(binsMax - 2), near: greatest)
        let first = step.index(of: least)
        var bins = (first...step.index(of: greatest)).map { index in
            Bin(from: step.edge(index), to: step.edge(index + 1), rows: 0)
        }
        for norm in sorted { bins[step.index(of: Double(norm)) - first].rows += 1 }
        return bins
    }
}

/// A width of 1, 2 or 5 times a power of ten, whose multiples are exact decimals.
struct RoundStep {
    private let digit: Int
    /// Ten to this, in both directions, so that no edge is rounded twice.
    private let exponent: Int

    /// The least such width that is at least `width`; if that is too small beside `magnitude` to
    /// tell numbers apart, a thousandth of it.
    init(atLeast width: Double, near magnitude: Double) {
        let wanted = max(width, magnitude / 1000, 1e-30)
        var exponent = 0
        while Self.power(exponent) > wanted { exponent -= 1 }
        while Self.power(exponent + 1) <= wanted { exponent += 1 }
        let digit = [1, 2, 5].first { Double($0) * Self.power(exponent) >= wanted }
        self.digit = digit ?? 1
        self.exponent = digit == nil ? exponent + 1 : exponent
    }

    /// The multiple of the width at this number.
    func edge(_ index: Int) -> Double {
        let count = Double(index * digit)
        return exponent < 0 ? count / Self.power(-exponent) : count * Self.power(exponent)
    }

    /// The number of the last edge at or below a value.
    func index(of value: Double) -> Int {
        var index = Int((value / edge(1)).rounded(.down))
        // The quotient is rounded; the edges decide.
        if edge(index) > value { index -= 1 }
        if edge(index + 1) <= value { index += 1 }
        return index
    }

    private static func power(_ exponent: Int) -> Double {
        var power = 1.0
        for _ in 0..<abs(exponent) { power *= 10 }
        return exponent < 0 ? 1 / power : power
    }
}
