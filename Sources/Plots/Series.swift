/// Values of one quantity over another, drawn in one colour.
public struct Series: Hashable, Sendable {
    /// How values are drawn.
    public enum Mark: Hashable, Sendable {
        /// A line through them: many values of a curve.
        case line
        /// A dot at each and a line through them: few values, each measured.
        case dots
        /// A stair whose value holds until the next x: a histogram.
        case steps
    }

    /// A value, with the spread of what it is the middle of.
    public struct Point: Hashable, Sendable {
        /// Where.
        public var x: Double
        /// The value.
        public var y: Double
        /// The least and the greatest of what was measured there; nil for a single value.
        public var spread: ClosedRange<Double>?

        /// The value `y` at `x`.
        public init(_ x: Double, _ y: Double, spread: ClosedRange<Double>? = nil) {
            self.x = x
            self.y = y
            self.spread = spread
        }
    }

    /// What it is, for the legend.
    public var name: String
    /// Values with rising x.
    ///
    /// One that is not finite is left out, and interrupts the line.
    public var points: [Point]
    /// How they are drawn.
    public var mark: Mark

    /// Values of this name.
    public init(_ name: String, _ points: [Point], mark: Mark = .line) {
        self.name = name
        self.points = points
        self.mark = mark
    }

    /// At most `limit` points, each the mean of neighbours: for curves of more steps than there is
    /// room for.
    public func thinned(to limit: Int) -> Series {
        precondition(limit > 0, "no points")
        guard points.count > limit else { return self }
        var thinned: [Point] = []
        for place in 0..<limit {
            let (from, to) = (place * points.count / limit, (place + 1) * points.count / limit)
            let run = points[from..<to].filter { $0.x.isFinite && $0.y.isFinite }
            guard !run.isEmpty else { continue }
            let count = Double(run.count)
            thinned.append(
                Point(
                    run.reduce(0) { $0 + $1.x } / count, run.reduce(0) { $0 + $1.y } / count))
        }
        return Series(name, thinned, mark: mark)
    }
}
