/// Limited-memory BFGS with a line search for the strong Wolfe conditions, in double precision
/// (Nocedal and Wright, Numerical Optimization, 2nd ed., algorithms 7.4, 7.5, 3.5 and 3.6).
public struct LBFGS: Sendable {
    /// Iterations at most.
    public var iterationsMax: Int
    /// Pairs of steps and gradient differences that are kept.
    public var history: Int
    /// Ends when no entry of the gradient exceeds this times max(1, |value|).
    public var gradientTolerance: Double
    /// Sufficient decrease, c1.
    private let decrease = 1e-4
    /// Curvature, c2 (0.9 is the book's choice for quasi-Newton methods).
    private let curvature = 0.9
    /// Evaluations in one line search.
    private let evaluationsMax = 30

    /// Runs to convergence by default.
    public init(
        iterationsMax: Int = 1000, history: Int = 20, gradientTolerance: Double = 1e-8
    ) {
        precondition(iterationsMax > 0 && history > 0, "\(iterationsMax), \(history)")
        self.iterationsMax = iterationsMax
        self.history = history
        self.gradientTolerance = gradientTolerance
    }

    /// Where a minimisation ended.
    public struct Result: Sendable {
        /// The arguments.
        public let x: [Double]
        /// The value there.
        public let value: Double
        /// Iterations made.
        public let iterations: Int
        /// Whether the gradient fell below the tolerance, or no line search could get lower any
        /// more within double precision.
        public let converged: Bool
    }

    /// A point with value and gradient.
    private struct Point {
        var x: [Double]
        var value: Double
        var gradient: [Double]
    }

    /// Minimises `objective` (value and gradient) from `start`.
    public func minimise(
        from start: [Double], _ objective: ([Double]) -> (value: Double, gradient: [Double])
    ) -> Result {
        let (value, gradient) = objective(start)
        var here = Point(x: start, value: value, gradient: gradient)
        var pairs: [(step: [Double], change: [Double], scale: Double)] = []
        for iteration in 0..<iterationsMax {
            if isFlat(here) {
                return Result(
                    x: here.x, value: here.value, iterations: iteration, converged: true)
            }
            var direction = descent(here.gradient, pairs)
            var slope = dot(direction, here.gradient)
            if slope >= 0 {
                pairs = []
                direction = here.gradient.map { -$0 }
                slope = -dot(here.gradient, here.gradient)
            }
            let first = pairs.isEmpty ? min(1, 1 / largest(here.gradient)) : 1
            let next = search(here, direction, slope, first: first, objective)
            guard let next else {
                guard !pairs.isEmpty else {
                    return Result(
                        x: here.x, value: here.value, iterations: iteration, converged: true)
                }
                pairs = []  // the curvature kept may be stale: once more along the gradient
                continue
            }
            let step = zip(next.x, here.x).map(-)
            let change = zip(next.gradient, here.gradient).map(-)
            let product = dot(step, change)
            if product > 1e-300 {
                pairs.append((step, change, 1 / product))
                if pairs.count > history { pairs.removeFirst() }
            }
            here = next
        }
        return Result(
            x: here.x, value: here.value, iterations: iterationsMax, converged: isFlat(here))
    }

    private func isFlat(_ point: Point) -> Bool {
        largest(point.gradient) <= gradientTolerance * max(1, abs(point.value))
    }

    /// -H g by the two-loop recursion (algorithm 7.4).
    private func descent(
        _ gradient: [Double], _ pairs: [(step: [Double], change: [Double], scale: Double)]
    ) -> [Double] {
        var q = gradient
        var alphas = [Double](repeating: 0, count: pairs.count)
        for (index, pair) in pairs.enumerated().reversed() {
            alphas[index] = pair.scale * dot(pair.step, q)
            add(-alphas[index], pair.change, to: &q)
        }
        if let last = pairs.last {
            let factor = 1 / (last.scale * dot(last.change, last.change))
            q = q.map { $0 * factor }
        }
        for (index, pair) in pairs.enumerated() {
            let beta = pair.scale * dot(pair.change, q)
            add(alphas[index] - beta, pair.step, to: &q)
        }
        return q.map { -$0 }
    }

    /// A step length that meets the strong Wolfe conditions (algorithms 3.5 and 3.6), or the
    /// lowest point seen that lies below the start; nil if there is none.
    private func search(
        _ start: Point, _ direction: [Double], _ slope: Double, first: Double,
        _ objective: ([Double]) -> (value: Double, gradient: [Double])
    ) -> Point? {
        var low = Trial(length: 0, slope: slope, point: start)
        var high: Trial?
        var length = first
        for _ in 0..<evaluationsMax {
            let x = zip(start.x, direction).map { $0 + length * $1 }
            let (value, gradient) = objective(x)
            let point = Point(x: x, value: value, gradient: gradient)
            let trial = Trial(
                length: length, slope: dot(gradient, direction), point: point)
            let bound = start.value + decrease * length * slope
            if !(value <= bound) || (value >= low.point.value && low.length > 0) {
                high = trial
            } else {
                if abs(trial.slope) <= -curvature * slope { return point }
                if let bracket = high {
                    if trial.slope * (bracket.length - low.length) >= 0 { high = low }
                } else if trial.slope >= 0 {
                    high = low
                }
                low = trial
            }
            guard let high else {
                length *= 2
                continue
            }
            length = between(low, high)
            if abs(high.length - low.length) <= 1e-14 * max(1, abs(low.length)) { break }
        }
        return low.point.value < start.value ? low.point : nil
    }

    /// A place on the line.
    private struct Trial {
        var length: Double
        var slope: Double
        var point: Point
    }

    /// The minimum of the cubic through both ends (equation 3.59), kept off the ends by a tenth.
    private func between(_ a: Trial, _ b: Trial) -> Double {
        let width = b.length - a.length
        let middle = a.length + width / 2
        guard b.point.value.isFinite, b.slope.isFinite else { return middle }
        let d1 = a.slope + b.slope - 3 * (a.point.value - b.point.value) / (a.length - b.length)
        let square = d1 * d1 - a.slope * b.slope
        guard square >= 0 else { return middle }
        let d2 = width > 0 ? square.squareRoot() : -square.squareRoot()
        let length = b.length - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)
        guard length.isFinite else { return middle }
        let (lower, upper) = (min(a.length, b.length), max(a.length, b.length))
        return min(max(length, lower + abs(width) / 10), upper - abs(width) / 10)
    }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
}

private func add(_ factor: Double, _ x: [Double], to y: inout [Double]) {
    for index in y.indices { y[index] += factor * x[index] }
}

private func largest(_ x: [Double]) -> Double {
    x.reduce(0) { max($0, abs($1)) }
}
