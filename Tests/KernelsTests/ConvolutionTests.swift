import Buffers
import Kernels
import Testing

/// A convolution of 3x3 windows, stride 1 and padding 1, window by window.
private struct DirectConvolution {
    let images, height, width, inputs, outputs: Int

    /// All pixels of y, or of y's first `places`, computed and summed as `Number`.
    func output<Number: BinaryFloatingPoint>(
        _ x: [Float], _ w: [Float], places: Int, _ type: Number.Type
    ) -> [Number] {
        var y: [Number] = []
        for place in 0..<places {
            for output in 0..<outputs {
                var sum: Number = 0
                forEachTap(place) { tap, pixel in
                    for input in 0..<inputs {
                        let weight = Number(w[(output * inputs + input) * 9 + tap])
                        sum.addProduct(Number(x[pixel * inputs + input]), weight)
                    }
                }
                y.append(sum)
            }
        }
        return y
    }

    /// The gradient of the weights of the first `count` outputs.
    func weightGradient<Number: BinaryFloatingPoint>(
        _ x: [Float], _ g: [Float], count: Int, _ type: Number.Type
    ) -> [Number] {
        var sums = [Number](repeating: 0, count: count * inputs * 9)
        for place in 0..<(images * height * width) {
            forEachTap(place) { tap, pixel in
                for output in 0..<count {
                    let gradient = Number(g[place * outputs + output])
                    for input in 0..<inputs {
                        sums[(output * inputs + input) * 9 + tap].addProduct(
                            Number(x[pixel * inputs + input]), gradient)
                    }
                }
            }
        }
        return sums
    }

    private func forEachTap(_ place: Int, _ body: (_ tap: Int, _ pixel: Int) -> Void) {
        let (image, rest) = (place / (height * width), place % (height * width))
        for tap in 0..<9 {
            let (row, column) = (rest / width + tap / 3 - 1, rest % width + tap % 3 - 1)
            if row >= 0, row < height, column >= 0, column < width {
                body(tap, (image * height + row) * width + column)
            }
        }
    }
}

/// The root of the mean square and the largest of the differences, over the reference's root.
private func errors<Number: BinaryFloatingPoint>(
    _ x: [Number], _ exact: [Double]
) -> (mean: Double, worst: Double) {
    var (squares, total, worst) = (0.0, 0.0, 0.0)
    for (value, expected) in zip(x, exact) {
        let d = (Double(value) - expected).magnitude
        squares += d * d
        total += expected * expected
        worst = max(worst, d)
    }
    let scale = (total / Double(exact.count)).squareRoot()
    return ((squares / total).squareRoot(), worst / scale)
}

@Suite struct WinogradTests {
    private static func gradient(
        _ convolution: WinogradConvolution, _ x: [Float], _ g: [Float], scratch value: Float
    ) -> [Float] {
        var dw = [Float](repeating: 0, count: convolution.inputs * convolution.outputs * 9)
        var scratch = [Float](repeating: value, count: convolution.weightGradientScratchCount)
        var result = dw.mutableSpan
        var room = scratch.mutableSpan
        convolution.weightGradient(x.span, gradient: g.span, into: &result, scratch: &room)
        return dw
    }

    private static func convolve(
        _ convolution: WinogradConvolution, _ x: [Float], _ w: [Float],
        _ direction: WinogradConvolution.Direction = .forward, scratch value: Float = 0
    ) -> [Float] {
        let pixels = convolution.images * convolution.height * convolution.width
        var y = [Float](repeating: 0, count: pixels * convolution.outputs)
        var scratch = [Float](repeating: value, count: convolution.scratchCount)
        var result = y.mutableSpan
        var room = scratch.mutableSpan
        convolution.convolve(x.span, weight: w.span, direction, into: &result, scratch: &room)
        return y
    }

    /// The figures are in docs/numerics.md; the limits leave room for other numbers.
    @Test(arguments: [64, 128, 256, 512])
    func `its error stays near that of direct sums in single precision`(channels: Int) {
        let size = 8
        let convolution = WinogradConvolution(
            images: 1, height: size, width: size, inputs: channels, outputs: 16)
        let direct = DirectConvolution(
            images: 1, height: size, width: size, inputs: channels, outputs: 16)
        let x = numbers(size * size * channels, seed: 1)
        let w = numbers(16 * channels * 9, seed: 2)
        let g = numbers(size * size * 16, seed: 3)
        let exact = direct.output(x, w, places: 64, Double.self)
        let plain = errors(direct.output(x, w, places: 64, Float.self), exact)
        let fast = errors(Self.convolve(convolution, x, w), exact)
        print("Winograd \(channels) channels: \(fast), direct \(plain)")
        #expect(fast.mean < 3e-6 && fast.worst < 2e-5)
        let sums = direct.weightGradient(x, g, count: 16, Double.self)
        let plainSums = errors(direct.weightGradient(x, g, count: 16, Float.self), sums)
        let fastSums = errors(Self.gradient(convolution, x, g, scratch: 0), sums)
        print("Winograd \(channels) channels, weights: \(fastSums), direct \(plainSums)")
        #expect(fastSums.mean < 3e-6 && fastSums.worst < 2e-5)
    }

    @Test(arguments: [(1, 1, 1), (2, 4, 4), (3, 7, 10), (2, 14, 13), (5, 3, 18)])
    func `images of any size equal direct sums`(images: Int, height: Int, width: Int) {
        let convolution = WinogradConvolution(
            images: images, height: height, width: width, inputs: 16, outputs: 40)
        let direct = DirectConvolution(
            images: images, height: height, width: width, inputs: 16, outputs: 40)
        let pixels = images * height * width
        let (x, g) = (numbers(pixels * 16, seed: 4), numbers(pixels * 40, seed: 5))
        let w = numbers(16 * 40 * 9, seed: 6)
        // Whatever the scratch memory holds is no result.
        let y = Self.convolve(convolution, x, w, scratch: .nan)
        #expect(errors(y, direct.output(x, w, places: pixels, Double.self)).worst < 2e-5)
        let dw = Self.gradient(convolution, x, g, scratch: .nan)
        #expect(errors(dw, direct.weightGradient(x, g, count: 40, Double.self)).worst < 2e-5)
        let back = WinogradConvolution(
            images: images, height: height, width: width, inputs: 40, outputs: 16)
        var turned = w
        for output in 0..<40 {
            for input in 0..<16 {
                for tap in 0..<9 {
                    turned[(input * 40 + output) * 9 + 8 - tap] = w[(output * 16 + input) * 9 + tap]
                }
            }
        }
        #expect(
            Self.convolve(back, g, w, .backward, scratch: .nan)
                == Self.convolve(back, g, turned, .forward))
    }

    @Test func `an image's outputs have the same bits beside any others`() {
        let (x, w) = (numbers(7 * 12 * 12 * 16, seed: 7), numbers(16 * 24 * 9, seed: 8))
        func outputs(_ images: Int, _ x: [Float]) -> [Float] {
            let convolution = WinogradConvolution(
                images: images, height: 12, width: 12, inputs: 16, outputs: 24)
            return Self.convolve(convolution, x, w)
        }
        let all = outputs(7, x)
        let (inputCount, outputCount) = (12 * 12 * 16, 12 * 12 * 24)
        for image in 0..<7 {
            let one = Array(x[(image * inputCount)..<((image + 1) * inputCount)])
            let expected = Array(all[(image * outputCount)..<((image + 1) * outputCount)])
            #expect(outputs(1, one).map(\.bitPattern) == expected.map(\.bitPattern))
        }
    }
}

@Suite struct PoolingTests {
    @Test func `maxima keep NaN, and nothing outside an image is one`() {
        let windows = ConvolutionWindows(
            height: 3, width: 3, channels: 9, kernelHeight: 3, kernelWidth: 3, stride: 2,
            padding: 1)
        var x = (0..<81).map { -1 - Float($0) }
        x[4] = .nan
        var y = [Float](repeating: 0, count: 36)
        var span = y.mutableSpan
        windows.maxima(x.span, into: &span)
        #expect(y[4].isNaN)
        #expect(y[0] == -1 && y[9] == x[9] && y[27] == x[36])
    }

    @Test func `of equal maxima the first gets the gradient`() {
        let windows = ConvolutionWindows(
            height: 2, width: 4, channels: 1, kernelHeight: 2, kernelWidth: 2, stride: 2,
            padding: 0)
        let x: [Float] = [1, 3, 2, 2, 3, 3, 2, 2]
        let (y, g): ([Float], [Float]) = ([3, 2], [5, 7])
        var dx = [Float](repeating: 0, count: 8)
        var span = dx.mutableSpan
        windows.maximaGradient(x.span, maxima: y.span, gradient: g.span, addingTo: &span)
        #expect(dx == [0, 5, 7, 0, 0, 0, 0, 0])
    }
}
