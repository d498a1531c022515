import Buffers
import Kernels
import Testing

/// An element-wise kernel as a function of three vectors of one length, for the test of its bits.
struct ElementwiseKernel: CustomTestStringConvertible, Sendable {
    /// The name that the kernel is declared under in `Vector` or `OptimizerLoops`.
    let name: String
    /// Overwrites the first vector (and whatever else it updates) from the others.
    let run: @Sendable (inout MutableSpan<Float>, Span<Float>, Span<Float>) -> Void

    var testDescription: String { name }
}

/// Every kernel whose bits must not depend on offset and length.
let elementwiseKernels: [ElementwiseKernel] = [
    ElementwiseKernel(name: "add") { Vector.add($1, $2, into: &$0) },
    ElementwiseKernel(name: "add") { y, x, _ in Vector.add(x, to: &y) },
    ElementwiseKernel(name: "subtract") { Vector.subtract($1, $2, into: &$0) },
    ElementwiseKernel(name: "multiply") { Vector.multiply($1, $2, into: &$0) },
    ElementwiseKernel(name: "multiply") { y, x, _ in Vector.multiply(x, into: &y) },
    ElementwiseKernel(name: "divide") { Vector.divide($1, $2, into: &$0) },
    ElementwiseKernel(name: "scale") { y, x, _ in Vector.scale(x, by: 0.3, into: &y) },
    ElementwiseKernel(name: "scale") { y, _, _ in Vector.scale(&y, by: 0.3) },
    ElementwiseKernel(name: "axpy") { y, x, _ in Vector.axpy(0.3, x, into: &y) },
    ElementwiseKernel(name: "blend") { y, x, _ in Vector.blend(&y, by: 0.9, with: x, by: 0.1) },
    ElementwiseKernel(name: "fill") { y, _, _ in Vector.fill(&y, with: 2) },
    ElementwiseKernel(name: "copy") { y, x, _ in Vector.copy(x, into: &y) },
    ElementwiseKernel(name: "roundToBFloat16") { y, x, _ in
        Vector.copy(x, into: &y)
        Vector.roundToBFloat16(&y)
    },
    ElementwiseKernel(name: "packBFloat16") { y, x, _ in
        var halves = [UInt16](repeating: 0, count: x.count)
        var span = halves.mutableSpan
        Vector.packBFloat16(x, into: &span)
        for index in 0..<x.count { y[index] = Float(halves[index]) }
    },
    ElementwiseKernel(name: "unpackBFloat16") { y, x, _ in
        var halves = [UInt16](repeating: 0, count: x.count)
        for index in 0..<x.count { halves[index] = UInt16(x[index].bitPattern >> 16) }
        Vector.unpackBFloat16(halves.span, into: &y)
    },
    ElementwiseKernel(name: "exp") { y, x, _ in Vector.exp(x, into: &y) },
    ElementwiseKernel(name: "log") { y, x, _ in Vector.log(x, into: &y) },
    ElementwiseKernel(name: "sin") { y, x, _ in Vector.sin(x, into: &y) },
    ElementwiseKernel(name: "cos") { y, x, _ in Vector.cos(x, into: &y) },
    ElementwiseKernel(name: "tanh") { y, x, _ in Vector.tanh(x, into: &y) },
    ElementwiseKernel(name: "erf") { y, x, _ in Vector.erf(x, into: &y) },
    ElementwiseKernel(name: "sigmoid") { y, x, _ in Vector.sigmoid(x, into: &y) },
    ElementwiseKernel(name: "squareRoot") { y, x, _ in Vector.squareRoot(x, into: &y) },
    ElementwiseKernel(name: "relu") { y, x, _ in Vector.relu(x, into: &y) },
    ElementwiseKernel(name: "reluGradient") { Vector.reluGradient($1, $2, into: &$0) },
    ElementwiseKernel(name: "gelu") { y, x, _ in Vector.gelu(x, into: &y) },
    ElementwiseKernel(name: "gelu") { y, x, _ in
        var value = [Float](repeating: 0, count: x.count)
        var span = value.mutableSpan
        Vector.gelu(x, into: &span, derivative: &y)
    },
    ElementwiseKernel(name: "gelu") { y, _, _ in Vector.gelu(&y) },
    ElementwiseKernel(name: "gelu") { y, x, _ in
        var value = [Float](repeating: 0, count: x.count)
        for index in 0..<x.count { value[index] = x[index] }
        var span = value.mutableSpan
        Vector.gelu(&span, derivative: &y)
    },
    ElementwiseKernel(name: "oneMinusSquare") { y, x, _ in Vector.oneMinusSquare(x, into: &y) },
    ElementwiseKernel(name: "timesOneMinus") { y, x, _ in Vector.timesOneMinus(x, into: &y) },
    ElementwiseKernel(name: "exponentiateCosines") { y, x, old in
        Vector.copy(x, into: &y)
        var sums = [Float](repeating: 0, count: x.count)
        for index in 0..<x.count { sums[index] = old[index] }
        var exponentials = sums.mutableSpan
        let exponent = CosineExponent(scale: 30, shift: 2, limit: 0.9)
        _ = Vector.exponentiateCosines(&y, times: 0.7, exponent, addingTo: &exponentials)
        for index in 0..<x.count { y[index] += exponentials[index] }
    },
    ElementwiseKernel(name: "adamW") { p, g, second in
        var first = [Float](repeating: 0.01, count: g.count)
        var squares = [Float](repeating: 0, count: g.count)
        for index in 0..<g.count { squares[index] = second[index] * second[index] }
        var m = first.mutableSpan
        var v = squares.mutableSpan
        let step = OptimizerLoops.AdamWStep(
            keep: 0.9999, beta1: 0.9, beta2: 0.999, stepSize: 0.003, rootCorrection: 0.3,
            epsilon: 1e-8)
        OptimizerLoops.adamW(&p, gradient: g, first: &m, second: &v, step: step)
        for index in 0..<g.count { p[index] += m[index] + v[index] }
    },
    ElementwiseKernel(name: "sgdMomentum") { p, g, old in
        var momentum = [Float](repeating: 0, count: g.count)
        for index in 0..<g.count { momentum[index] = old[index] }
        var b = momentum.mutableSpan
        OptimizerLoops.sgdMomentum(
            &p, gradient: g, momentum: &b, rate: 0.1, decay: 0.01, momentum: 0.9, nesterov: true)
        for index in 0..<g.count { p[index] += b[index] }
    },
]

/// The kernels of `Vector` that sum, and so depend on the whole vector.
let reductionKernels = [
    "dot", "sum", "sumOfSquares", "maximum", "isFinite", "reduce", "forEachLanes",
]

/// Parts of kernels, which the canary runs with them, what calls kernels on threads, and sizes.
let kernelParts = [
    "reduce", "forEachLanes", "updateParts", "panelCount", "floatCount",
    "layerGradientScratchCount",
]
