import Foundation

/// One axis of a chart: what it shows, and how values lie on it.
public struct Axis: Hashable, Sendable {
    /// How values lie on an axis.
    public enum Scale: Hashable, Sendable {
        /// Equal differences have equal lengths.
        case linear
        /// Equal ratios have equal lengths; values up to 0 are left out.
        case logarithmic
    }

    /// What it shows, with the unit.
    public var label: String
    /// How values lie on it.
    public var scale: Scale

    /// An axis of this label.
    public init(_ label: String, _ scale: Scale = .linear) {
        self.label = label
        self.scale = scale
    }
}

/// An axis with its bounds: where values lie between 0 and 1, and which of them are marked.
struct AxisRange: Hashable {
    /// About so many marks.
    private static let marksWanted = 5.0
    /// So much of the length is left free at both ends.
    private static let margin = 0.04

    let scale: Axis.Scale
    let low: Double
    let high: Double

    /// The range of the values that the axis can show; one around 0 or 1 if there are none.
    init(_ scale: Axis.Scale, of values: [Double]) {
        self.scale = scale
        let shown = values.filter { $0.isFinite && (scale == .linear || $0 > 0) }
            .map { scale == .linear ? $0 : log10($0) }
        var low = shown.min() ?? 0
        var high = shown.max() ?? 0
        if high - low <= 1e-12 * max(abs(low), abs(high)) {
            let half = max(abs(low) * 0.05, 1e-9)
            (low, high) = shown.isEmpty || low == 0 ? (-1, 1) : (low - half, high + half)
        }
        let spare = Self.margin * (high - low)
        (self.low, self.high) = (low - spare, high + spare)
    }

    /// Where a value lies, from 0 at the axis's begin to 1 at its end; nil where it cannot lie.
    func place(of value: Double) -> Double? {
        guard value.isFinite, scale == .linear || value > 0 else { return nil }
        let moved = scale == .linear ? value : log10(value)
        return (moved - low) / (high - low)
    }

    /// Round values within the range, rising.
    var marks: [Double] {
        switch scale {
        case .linear: linearMarks
        case .logarithmic: logarithmicMarks
        }
    }

    private var linearMarks: [Double] {
        let rough = (high - low) / Self.marksWanted
        let power = pow(10, floor(log10(rough)))
        let step = power * ([1, 2, 5].first { $0 * power >= rough } ?? 10)
        let (first, last) = (Int((low / step).rounded(.up)), Int((high / step).rounded(.down)))
        return first <= last ? (first...last).map { Double($0) * step } : []
    }

    /// Powers of ten, with their doubles and fives where the range is short.
    private var logarithmicMarks: [Double] {
        let decades = Int(floor(low))...Int(floor(high))
        let factors: [Double] = high - low < 2.5 ? [1, 2, 5] : [1]
        let every = max(1, Int(((high - low) / Self.marksWanted).rounded(.down)))
        return decades.filter { $0.isMultiple(of: factors.count > 1 ? 1 : every) }
            .flatMap { decade in factors.map { $0 * pow(10, Double(decade)) } }
            .filter { (low...high).contains(log10($0)) }
    }

    /// A mark's text, with the digits that tell marks apart.
    func text(of mark: Double) -> String {
        let size = abs(mark)
        if size != 0, size >= 1e6 || size < 1e-4 { return Self.scientific(mark) }
        guard scale == .linear else { return Self.short(mark, places: 6) }
        let step = linearMarks.count > 1 ? linearMarks[1] - linearMarks[0] : size
        let places = step > 0 ? max(0, min(8, Int(ceil(-log10(step) - 1e-9)))) : 0
        return fixed(mark == 0 ? 0 : mark, places)
    }

    private static func short(_ value: Double, places: Int) -> String {
        var text = fixed(value, places)
        guard text.contains(".") else { return text }
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    private static func scientific(_ value: Double) -> String {
        let exponent = Int(floor(log10(abs(value)) + 1e-9))
        let factor = short(value / pow(10, Double(exponent)), places: 2)
        return "\(factor)e\(exponent)"
    }
}
