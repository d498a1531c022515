import Buffers
import Foundation
@testable import Kernels
import Testing

/// A function, a range of arguments, and the largest error that is allowed there.
struct AccuracyCase: CustomTestStringConvertible, Sendable {
    let name: String
    let range: ClosedRange<Float>
    /// In units in the last place of the exact result.
    let limit: Double
    let computed: @Sendable (Lanes) -> Lanes
    let exact: @Sendable (Double) -> Double

    var testDescription: String { "\(name) in \(range)" }

    /// The largest error over some 400,000 arguments, spread evenly over the floats of the range.
    func worst() -> (error: Double, at: Float) {
        let low = ordinal(range.lowerBound)
        let high = ordinal(range.upperBound)
        let step = max(1, (high - low) / 400_000)
        var worst = (error: 0.0, at: Float(0))
        for start in stride(from: low, through: high, by: 8 * step) {
            var x = Lanes(repeating: range.lowerBound)
            for lane in 0..<8 { x[lane] = float(min(high, start + lane * step)) }
            let y = computed(x)
            for lane in 0..<8 {
                let error = errorInPlaces(y[lane], exact(Double(x[lane])))
                if !(error <= worst.error) { worst = (error, x[lane]) }
            }
        }
        return worst
    }

    /// The place of a float in the order of all floats.
    private func ordinal(_ x: Float) -> Int {
        let bits = Int(x.bitPattern & 0x7fff_ffff)
        return x.sign == .minus ? -bits : bits
    }

    private func float(_ ordinal: Int) -> Float {
        let value = Float(bitPattern: UInt32(ordinal.magnitude))
        return ordinal < 0 ? -value : value
    }
}

/// The distance of a float from an exact value, in units in that value's last place.
func errorInPlaces(_ x: Float, _ exact: Double) -> Double {
    let rounded = Float(exact)
    if rounded.isInfinite || x.isInfinite { return x == rounded ? 0 : .infinity }
    return (Double(x) - exact).magnitude / Double(rounded.ulp)
}

/// Exact values by the system's double precision, which is a billion times finer.
private let accuracyCases: [AccuracyCase] = [
    AccuracyCase(name: "exp", range: -87.3...88.7, limit: 1.5, computed: LaneMath.exp) {
        Foundation.exp($0)
    },
    AccuracyCase(name: "exp", range: -103.9 ... -87.3, limit: 1.5, computed: LaneMath.exp) {
        Foundation.exp($0)
    },
    AccuracyCase(
        name: "log", range: 0x1p-149 ... .greatestFiniteMagnitude, limit: 1.5,
        computed: LaneMath.log
    ) { Foundation.log($0) },
    AccuracyCase(name: "log", range: 0.9...1.1, limit: 1.5, computed: LaneMath.log) {
        Foundation.log($0)
    },
    AccuracyCase(name: "sin", range: -7...7, limit: 1.5, computed: LaneMath.sin) {
        Foundation.sin($0)
    },
    AccuracyCase(name: "sin", range: 7...1e9, limit: 2, computed: LaneMath.sin) {
        Foundation.sin($0)
    },
    AccuracyCase(name: "cos", range: -7...7, limit: 1.5, computed: LaneMath.cos) {
        Foundation.cos($0)
    },
    AccuracyCase(name: "cos", range: 7...1e9, limit: 2, computed: LaneMath.cos) {
        Foundation.cos($0)
    },
    AccuracyCase(name: "tanh", range: -20...20, limit: 2, computed: LaneMath.tanh) {
        Foundation.tanh($0)
    },
    AccuracyCase(name: "erf", range: -6...6, limit: 2, computed: LaneMath.erf) {
        Foundation.erf($0)
    },
    AccuracyCase(name: "sigmoid", range: -80...80, limit: 3, computed: LaneMath.sigmoid) {
        1 / (1 + Foundation.exp(-$0))
    },
]

@Suite struct LaneMathTests {
    @Test(arguments: accuracyCases)
    func `the error of a function stays within its limit`(_ row: AccuracyCase) {
        let worst = row.worst()
        print("\(row.testDescription): \(worst.error) places at \(worst.at)")
        #expect(worst.error <= row.limit, "\(row.testDescription) at \(worst.at)")
    }

    /// GELU cancels far below zero, so its error is bounded against the magnitude of x.
    @Test func `GELU and its derivative are accurate to a few parts in ten million`() {
        for step in -8_000...8_000 {
            let x = Float(step) / 1_000
            let exact = Double(x)
            let distribution = 0.5 * (1 + Foundation.erf(exact / 2.0.squareRoot()))
            let density = Foundation.exp(-exact * exact / 2) / (2 * Double.pi).squareRoot()
            let both = LaneMath.geluAndDerivative(Lanes(repeating: x))
            let bound = 3e-7 * max(1, exact.magnitude)
            #expect((Double(both.value[0]) - exact * distribution).magnitude < bound)
            let slope = distribution + exact * density
            #expect((Double(both.derivative[0]) - slope).magnitude < bound)
            // Whole pairs of registers and what is left, in whichever the processor has.
            var values = [Float](repeating: x, count: 20)
            var span = values.mutableSpan
            Vector.gelu(&span)
            #expect(values.allSatisfy { $0 == both.value[3] })
        }
    }

    @Test func `zeros, denormals, infinities and NaNs have their results`() {
        let inf = Float.infinity
        #expect(LaneMath.exp(0) == 1)
        #expect(LaneMath.exp(-inf) == 0 && LaneMath.exp(inf) == inf && LaneMath.exp(-105) == 0)
        #expect(LaneMath.exp(89) == inf)
        #expect(LaneMath.exp(-103) == Float(Foundation.exp(-103.0)))
        #expect(LaneMath.exp(0x1p-149) == 1)
        #expect(LaneMath.log(0) == -inf && LaneMath.log(-0.0) == -inf)
        #expect(LaneMath.log(inf) == inf && LaneMath.log(1) == 0)
        #expect(LaneMath.log(-1).isNaN && LaneMath.log(-inf).isNaN)
        #expect(LaneMath.sin(-0.0) == 0 && LaneMath.sin(0x1p-149) == 0x1p-149)
        #expect(LaneMath.cos(0) == 1)
        #expect(LaneMath.sin(inf).isNaN && LaneMath.cos(3e9).isNaN)
        #expect(LaneMath.tanh(inf) == 1 && LaneMath.tanh(-inf) == -1)
        #expect(LaneMath.tanh(0x1p-149) == 0x1p-149)
        #expect(LaneMath.erf(inf) == 1 && LaneMath.erf(-inf) == -1 && LaneMath.erf(-0.0) == 0)
        #expect(LaneMath.sigmoid(-inf) == 0 && LaneMath.sigmoid(inf) == 1)
        let functions =
            [
                LaneMath.exp, LaneMath.log, LaneMath.sin, LaneMath.cos, LaneMath.tanh, LaneMath.erf,
                LaneMath.sigmoid,
            ] as [(Float) -> Float]
        for function in functions { #expect(function(.nan).isNaN) }
    }

    @Test func `square roots of lanes are those of single numbers`() {
        let bits: [UInt32] = [
            0, 0x8000_0000, 1, 0x007f_ffff, 0x0080_0000, 0x3f80_0000, 0x3f80_0001, 0x4000_0000,
            0x4049_0fdb, 0x7f7f_ffff, 0x7f80_0000, 0x1234_5678, 0x3eaa_aaab, 0x5f37_59df,
            0x3f00_0000, 0x4b7f_ffff,
        ]
        for first in stride(from: 0, to: bits.count, by: 8) {
            var x = SIMD8<Float>(repeating: 0)
            for lane in 0..<8 { x[lane] = Float(bitPattern: bits[first + lane]) }
            let roots = LaneMath.squareRoot(x)
            for lane in 0..<8 {
                #expect(roots[lane].bitPattern == x[lane].squareRoot().bitPattern)
            }
        }
        #expect(LaneMath.squareRoot(.init(repeating: -1))[7].isNaN)
    }
}
