import Foundation
import Objectives
import Tensors
import Testing

/// The loss of image and text towers (MLCD sheet, section 5, LiT).
@Suite struct SymmetricContrastTests {
    private static let (count, width) = (5, 7)
    private static let images = CounterRandom(seed: 1, stream: .test).normalTensor([count, width])
    private static let texts = CounterRandom(seed: 2, stream: .test).normalTensor([count, width])

    /// The loss in double precision, from its formula.
    private func reference(_ x: [Double], _ y: [Double], logScale: Double) -> Double {
        let (n, d) = (Self.count, Self.width)
        func unit(_ v: [Double], _ row: Int) -> [Double] {
            let part = v[(row * d)..<((row + 1) * d)]
            let length = part.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return part.map { $0 / length }
        }
        let scale = min(exp(logScale), 100)
        let logits = (0..<n).map { i in
            (0..<n).map { j in
                scale * zip(unit(x, i), unit(y, j)).reduce(0) { $0 + $1.0 * $1.1 }
            }
        }
        var sum = 0.0
        for i in 0..<n {
            let row = log(logits[i].reduce(0) { $0 + exp($1) })
            let column = log(logits.reduce(0) { $0 + exp($1[i]) })
            sum += row + column - 2 * logits[i][i]
        }
        return sum / Double(2 * n)
    }

    @Test(arguments: [0.5, 2.0])
    func `values and gradients are those of the formula`(logScale: Double) {
        let tape = Tape()
        let inputs = [
            tape.leaf(Self.images), tape.leaf(Self.texts), tape.leaf(Tensor(Float(logScale))),
        ]
        let contrast = SymmetricContrast(
            images: inputs[0], texts: inputs[1], logScale: inputs[2])
        let (x, y) = (Self.images.values.map(Double.init), Self.texts.values.map(Double.init))
        let value = reference(x, y, logScale: logScale)
        #expect(abs(Double(contrast.loss.value.values[0]) - value) < 1e-5 * value)
        let gradients = tape.gradients(of: [(contrast.loss, Tensor(1))], for: inputs)
        let step = 1e-5
        for place in x.indices {
            var (up, down) = (x, x)
            up[place] += step
            down[place] -= step
            let slope =
                (reference(up, y, logScale: logScale) - reference(down, y, logScale: logScale))
                / (2 * step)
            #expect(abs(Double(gradients[0].values[place]) - slope) < 1e-4)
            (up, down) = (y, y)
            up[place] += step
            down[place] -= step
            let other =
                (reference(x, up, logScale: logScale) - reference(x, down, logScale: logScale))
                / (2 * step)
            #expect(abs(Double(gradients[1].values[place]) - other) < 1e-4)
        }
        let slope =
            (reference(x, y, logScale: logScale + step)
                - reference(x, y, logScale: logScale - step)) / (2 * step)
        #expect(abs(Double(gradients[2].values[0]) - slope) < 1e-4)
    }

    @Test func `a clamped scale is 100 and has no gradient, nor has a frozen encoder`() {
        let tape = Tape()
        let (texts, logScale) = (tape.leaf(Self.texts), tape.leaf(Tensor(4.9)))
        let contrast = SymmetricContrast(
            images: tape.constant(Self.images), texts: texts, logScale: logScale)
        #expect(contrast.scale == 100)
        let gradients = tape.gradients(of: [(contrast.loss, Tensor(1))], for: [texts, logScale])
        #expect(gradients[1].values == [0] && gradients[0].values.contains { $0 != 0 })
    }
}
