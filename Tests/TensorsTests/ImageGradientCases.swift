import Tensors

/// Rows of the gradient test for operations on images, which are channels-last.
let imageCases: [GradientCase] = convolutionCases + batchNormCases + poolingCases

private let convolutionCases: [GradientCase] = [
    GradientCase("convolution2d", [sample([2, 5, 6, 2], 1), sample([3, 2, 3, 3], 2)]) {
        convolution2d($0[0], weight: $0[1], stride: 2, padding: 1)
    },
    GradientCase("convolution2d", "stride 1", [sample([2, 4, 5, 1], 1), sample([2, 1, 3, 2], 2)]) {
        convolution2d($0[0], weight: $0[1])
    },
    GradientCase("convolution2d", "1 x 1", [sample([2, 4, 4, 3], 1), sample([4, 3, 1, 1], 2)]) {
        convolution2d($0[0], weight: $0[1])
    },
    GradientCase(
        "convolution2d", "1 x 1, stride 2", [sample([2, 5, 4, 8], 1), sample([9, 8, 1, 1], 2)]
    ) {
        convolution2d($0[0], weight: $0[1], stride: 2)
    },
    GradientCase(
        "convolution2d", "wide padding", [sample([1, 3, 3, 1], 1), sample([1, 1, 2, 2], 2)]
    ) {
        convolution2d($0[0], weight: $0[1], stride: 3, padding: 3)
    },
    GradientCase("convolution2d", "7 x 7", [sample([1, 9, 8, 3], 1), sample([4, 3, 7, 7], 2)]) {
        convolution2d($0[0], weight: $0[1], stride: 2, padding: 3)
    },
    GradientCase(
        "convolution2d", "several blocks",
        [sample([2, 8, 9, 64], 1), sample([26, 64, 5, 5], 2, from: -0.1, to: 0.1)]
    ) {
        convolution2d($0[0], weight: $0[1], padding: 2)
    },
    GradientCase(
        "convolution2d", "Winograd, whole tiles", [sample([2, 4, 8, 16], 1), winograd(24, 16)]
    ) {
        convolution2d($0[0], weight: $0[1], padding: 1)
    },
    GradientCase(
        "convolution2d", "Winograd, cut tiles", [sample([1, 7, 6, 16], 1), winograd(32, 16)]
    ) {
        convolution2d($0[0], weight: $0[1], padding: 1)
    },
    GradientCase(
        "convolution2d", "Winograd, several blocks",
        [sample([3, 18, 15, 16], 1), winograd(16, 16)]
    ) {
        convolution2d($0[0], weight: $0[1], padding: 1)
    },
    GradientCase(
        "convolution2d", "Winograd, one pixel", [sample([2, 1, 1, 24], 1), winograd(16, 24)]
    ) {
        convolution2d($0[0], weight: $0[1], padding: 1)
    },
]

private func winograd(_ outputs: Int, _ inputs: Int) -> Tensor {
    sample([outputs, inputs, 3, 3], 2, from: -0.25, to: 0.25)
}

private let batchNormCases: [GradientCase] = [
    GradientCase("batchNorm2d", [sample([2, 3, 3, 3], 1), sample([3], 2), sample([3], 3)]) {
        batchNorm2d($0[0], weight: $0[1], bias: $0[2]).output
    },
    GradientCase(
        "batchNorm2d", "several blocks of rows",
        [sample([2, 7, 10, 9], 1), sample([9], 2), sample([9], 3)]
    ) {
        batchNorm2d($0[0], weight: $0[1], bias: $0[2]).output
    },
    GradientCase(
        "batchNorm2d", "given", [sample([2, 3, 4, 2], 1), sample([2], 2), sample([2], 3)]
    ) {
        batchNorm2d(
            $0[0], weight: $0[1], bias: $0[2], mean: Tensor([0.1, -0.2], shape: [2]),
            variance: Tensor([0.5, 1.5], shape: [2]))
    },
    GradientCase(
        "batchNorm2d", "with a residual",
        [sample([2, 2, 3, 8], 1), sample([8], 2), sample([8], 3), sample([2, 2, 3, 8], 4)]
    ) {
        batchNorm2d($0[0], weight: $0[1], bias: $0[2], adding: $0[3]).output
    },
    // The kink of the ReLU is kept away: its argument is far from zero, of either sign.
    GradientCase(
        "batchNorm2d", "rectified, with a residual",
        [sample([2, 2, 3, 3], 1), sample([3], 2, from: 0.1, to: 0.3), sample([3], 3), far]
    ) {
        batchNorm2d($0[0], weight: $0[1], bias: $0[2], adding: $0[3], isRectified: true).output
    },
    GradientCase(
        "batchNorm2d", "rectified", [signs, sample([3], 2, from: 1, to: 2), sample([3], 3)]
    ) {
        batchNorm2d($0[0], weight: $0[1], bias: 0.1 * $0[2], isRectified: true).output
    },
    GradientCase(
        "batchNorm2d", "given, rectified, of one image with its own residual",
        [far, sample([3], 2, from: 0.1, to: 0.3), sample([3], 3)]
    ) {
        batchNorm2d(
            $0[0], weight: $0[1], bias: $0[2], mean: Tensor(zeros: [3]),
            variance: Tensor(repeating: 1, shape: [3]), adding: $0[0], isRectified: true)
    },
]

/// Numbers of magnitude 3 to 4, in images of three channels.
private let far = Tensor(
    sample([2, 2, 3, 3], 5).values.map { $0 < 0 ? $0 - 3 : $0 + 3 }, shape: [2, 2, 3, 3])

/// Numbers near 1 and -1, in images of three channels.
private let signs = Tensor(
    sample([2, 2, 3, 3], 6).values.map { ($0 < 0 ? -1 : 1) + 0.1 * $0 }, shape: [2, 2, 3, 3])

private let poolingCases: [GradientCase] = [
    GradientCase("maxPool2d", [distinct([2, 5, 6, 3])]) {
        maxPool2d($0[0], size: 3, stride: 2, padding: 1)
    },
    GradientCase("maxPool2d", "whole lanes", [distinct([1, 4, 4, 8])]) {
        maxPool2d($0[0], size: 2, stride: 2)
    },
    GradientCase("globalAveragePool", [sample([2, 3, 5, 3], 1)]) { globalAveragePool($0[0]) },
]

/// A shuffled range whose steps of 0.25 exceed what the differences of the test move by.
private func distinct(_ shape: Shape) -> Tensor {
    let order = sample(shape, 7).values.enumerated().sorted { $0.element < $1.element }
    var values = [Float](repeating: 0, count: shape.count)
    for (rank, entry) in order.enumerated() { values[entry.offset] = 0.25 * Float(rank) - 5 }
    return Tensor(values, shape: shape)
}
