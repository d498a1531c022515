import Tensors

/// The list that `GradientTests` goes through: every operation, shapes with and without tails.
let gradientCases: [GradientCase] =
    arithmeticCases + functionCases + productCases + rowCases + layoutCases + imageCases + textCases

private let arithmeticCases: [GradientCase] = [
    GradientCase("+", [sample([3, 5], 1), sample([3, 5], 2)]) { $0[0] + $0[1] },
    GradientCase("-", [sample([3, 5], 1), sample([3, 5], 2)]) { $0[0] - $0[1] },
    GradientCase("*", [sample([3, 5], 1), sample([3, 5], 2)]) { $0[0] * $0[1] },
    GradientCase("*", "by a number", [sample([3, 5], 1)]) { 2.5 * ($0[0] * -0.5) },
    GradientCase("*", "of one variable with itself", [sample([11], 1)]) { $0[0] * $0[0] },
    GradientCase("addBroadcast", [sample([2, 3, 5], 1), sample([3, 5], 2)]) {
        addBroadcast($0[0], $0[1])
    },
    GradientCase("addBroadcast", "of a row", [sample([4, 9], 1), sample([1, 9], 2)]) {
        addBroadcast($0[0], $0[1])
    },
]

private let functionCases: [GradientCase] = [
    GradientCase("relu", [sampleOffZero([3, 7], 1)]) { relu($0[0]) },
    GradientCase("gelu", [sample([3, 7], 1, from: -3, to: 3)]) { gelu($0[0]) },
    GradientCase("tanh", [sample([3, 7], 1, from: -2, to: 2)]) { tanh($0[0]) },
    GradientCase("sigmoid", [sample([3, 7], 1, from: -3, to: 3)]) { sigmoid($0[0]) },
    GradientCase("exp", [sample([3, 7], 1)]) { exp($0[0]) },
    GradientCase("log", [sample([3, 7], 1, from: 0.5, to: 2)]) { log($0[0]) },
    GradientCase("squareRoot", [sample([3, 7], 1, from: 0.5, to: 2)]) { squareRoot($0[0]) },
]

private let productCases: [GradientCase] =
    [(false, false), (false, true), (true, false), (true, true)].map { a, b in
        let shapes: (Shape, Shape) = (a ? [4, 3] : [3, 4], b ? [5, 4] : [4, 5])
        let inputs = [sample(shapes.0, 1), sample(shapes.1, 2)]
        return GradientCase("matmul", "transposed \(a), \(b)", inputs) {
            matmul($0[0], $0[1], transposeA: a, transposeB: b)
        }
    } + [
        GradientCase("linear", [sample([2, 3, 5], 1), sample([4, 5], 2), sample([4], 3)]) {
            linear($0[0], weight: $0[1], bias: $0[2])
        },
        GradientCase("linear", "no bias", [sample([3, 9], 1), sample([10, 9], 2)]) {
            linear($0[0], weight: $0[1])
        },
        GradientCase(
            "linear", "added to a residual",
            [sample([3, 9], 1), sample([10, 9], 2), sample([10], 3), sample([3, 10], 4)]
        ) {
            linear($0[0], weight: $0[1], bias: $0[2], addedTo: $0[3])
        },
        GradientCase("feedForward", feedForwardInputs(ins: 5, hidden: 7, outs: 4)) {
            feedForward($0[0], first: ($0[1], $0[2]), second: ($0[3], $0[4]))
        },
        GradientCase(
            "feedForward", "added to its input", feedForwardInputs(ins: 9, hidden: 20, outs: 9)
        ) {
            feedForward($0[0], first: ($0[1], $0[2]), second: ($0[3], $0[4]), addedTo: $0[0])
        },
        GradientCase(
            "feedForward", "no biases",
            [sample([3, 5], 1), sample([6, 5], 2), sample([5, 6], 3)]
        ) {
            feedForward($0[0], first: ($0[1], nil), second: ($0[2], nil))
        },
        GradientCase("selfAttention", [sample([2, 4, 24], 1)]) { selfAttention($0[0], heads: 1) },
        GradientCase("selfAttention", "16 wide", [sample([1, 9, 96], 2)]) {
            selfAttention($0[0], heads: 2)
        },
        GradientCase("selfAttention", "tails", [sample([2, 5, 18], 3, from: -2, to: 2)]) {
            selfAttention($0[0], heads: 2)
        },
        GradientCase("selfAttention", "by BLAS", [sample([1, 2, 3 * 4100], 4)]) {
            selfAttention($0[0], heads: 1)
        },
    ]

private func feedForwardInputs(ins: Int, hidden: Int, outs: Int) -> [Tensor] {
    [
        sample([2, 3, ins], 1), sample([hidden, ins], 2), sample([hidden], 3),
        sample([outs, hidden], 4), sample([outs], 5),
    ]
}

private let rowCases: [GradientCase] = [
    GradientCase("softmax", [sample([3, 5], 1, from: -2, to: 2)]) { softmax($0[0]) },
    GradientCase("softmax", "long rows", [sample([2, 37], 2)]) { softmax($0[0]) },
    GradientCase("logSumExp", [sample([3, 11], 1, from: -2, to: 2)]) { logSumExp($0[0]) },
    GradientCase("layerNorm", [sample([3, 8], 1), sample([8], 2), sample([8], 3)]) {
        layerNorm($0[0], weight: $0[1], bias: $0[2])
    },
    GradientCase("layerNorm", "tails", [sample([2, 2, 37], 4), sample([37], 5), sample([37], 6)]) {
        layerNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-5)
    },
    GradientCase("l2Normalized", [sample([3, 11], 1)]) { l2Normalized($0[0]) },
    GradientCase("l2Normalized", "short rows", [sample([3, 2], 1)]) {
        l2Normalized($0[0], epsilon: 100)
    },
    GradientCase("crossEntropy", [sample([4, 7], 1, from: -2, to: 2)]) {
        crossEntropy($0[0], targets: [3, 0, 6, 3])
    },
    GradientCase("crossEntropy", "own divisor", [sample([2, 9], 1)]) {
        crossEntropy($0[0], targets: [8, 1], divisor: 3)
    },
    GradientCase("sum", [sample([3, 5], 1)]) { $0[0].sum() },
    GradientCase("mean", [sample([3, 5], 1)]) { $0[0].mean() },
    GradientCase("meanOverTokens", [sample([2, 3, 10], 1)]) { meanOverTokens($0[0]) },
]

private let layoutCases: [GradientCase] = [
    GradientCase("reshaped", [sample([3, 4], 1)]) { $0[0].reshaped([2, 6]) },
    GradientCase("permuted", [sample([2, 3, 4], 1)]) { $0[0].permuted([2, 0, 1]) },
    GradientCase("sliced", "first axis", [sample([4, 3], 1)]) { $0[0].sliced(axis: 0, 1..<3) },
    GradientCase("sliced", "last axis", [sample([3, 12], 1)]) { $0[0].sliced(axis: 1, 1..<11) },
    GradientCase("concatenated", [sample([2, 3], 1), sample([2, 10], 2)]) {
        concatenated($0, axis: 1)
    },
    GradientCase("concatenated", "one part twice", [sample([2, 3], 1)]) {
        concatenated([$0[0], $0[0]], axis: 0)
    },
    GradientCase("unfoldedPatches", [sample([2, 2, 4, 6], 1)]) {
        unfoldedPatches($0[0], size: 2)
    },
]
