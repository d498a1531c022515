public import Tensors

/// What a slice gives to its step: gradient, batch statistics, named sums and named rows.
///
/// Two results add up along the step's gradient tree.
public struct SliceResult: Sendable {
    /// A named quantity that is summed over the step, such as a loss or a count.
    public struct Sum: Hashable, Sendable {
        /// The name.
        public var name: String
        /// The value.
        public var value: Double
        /// A named sum.
        public init(name: String, value: Double) {
            self.name = name
            self.value = value
        }
    }

    /// Gradient of the step's loss over this slice, flat in the parameter layout `[P]`.
    public var gradient: Tensor
    /// Batch-norm statistics, flat in the order of the buffer layout `[Q]`; Q is 0 without any.
    public var statistics: Tensor
    /// Named sums in the method's order; the same names in every slice.
    public var sums: [Sum]
    /// Rows that enter a table, `[r, d]` by name; concatenated in slice order.
    public var rows: NamedTensors
    /// What the gradient is rounded to: the same in every node of a step.
    public internal(set) var precision: GradientPrecision

    /// A result with these parts.
    ///
    /// - Parameter precision: what the gradient was rounded to before.
    public init(
        gradient: Tensor, statistics: Tensor, sums: [Sum], rows: NamedTensors = NamedTensors(),
        precision: GradientPrecision = .f32
    ) {
        self.precision = precision
        self.gradient = gradient
        self.statistics = statistics
        self.sums = sums
        self.rows = rows
    }

    /// Whether every number is finite.
    public var isFinite: Bool {
        gradient.isFinite && statistics.isFinite && sums.allSatisfy { $0.value.isFinite }
            && rows.entries.allSatisfy { $0.tensor.isFinite }
    }

    /// The parent of two siblings: element-wise sums, left before right; rows one after the other.
    ///
    /// Shapes and names must agree: both come from the same method and layout. The gradient's sum
    /// is rounded to the precision of both.
    public static func sum(_ left: SliceResult, _ right: SliceResult) -> SliceResult {
        precondition(
            left.sums.map(\.name) == right.sums.map(\.name), "sums of different methods")
        precondition(
            left.rows.entries.map(\.name) == right.rows.entries.map(\.name),
            "rows of different methods")
        precondition(left.precision == right.precision, "gradients of different precisions")
        var rows = NamedTensors()
        for (a, b) in zip(left.rows.entries, right.rows.entries) {
            rows.append(a.name, a.tensor.concatenatedRows(with: b.tensor))
        }
        let sum = SliceResult(
            gradient: left.gradient.adding(right.gradient),
            statistics: left.statistics.adding(right.statistics),
            sums: zip(left.sums, right.sums).map {
                Sum(name: $0.name, value: $0.value + $1.value)
            },
            rows: rows)
        return sum.rounded(to: left.precision)
    }
}
