import Foundation
import Tensors
import Testing

@testable import Datasets

struct GaussianBlurTests {
    private func blurred(_ plane: [Float], height: Int, width: Int, _ deviation: Float) -> [Float] {
        var plane = plane
        var span = plane.mutableSpan
        GaussianKernel(deviation: deviation).apply(to: &span, height: height, width: width)
        return plane
    }

    @Test(arguments: [0.1, 0.6, 1.3, 2] as [Float])
    func `a blur is the Gaussian's mean over both axes, mirrored at the borders`(deviation: Float) {
        let (height, width) = (9, 7)
        let random = CounterRandom(seed: 2, stream: .test)
        let plane = (0..<(height * width)).map { random.uniform(at: $0) }
        let radius = Int((3 * deviation).rounded(.up))
        func weight(_ distance: Int) -> Double {
            exp(-Double(distance * distance) / (2 * Double(deviation) * Double(deviation)))
        }
        // numpy's pad mode "reflect".
        func reflected(_ place: Int, _ count: Int) -> Int {
            var place = place
            while place < 0 || place >= count {
                place = place < 0 ? -place : 2 * (count - 1) - place
            }
            return place
        }
        let found = blurred(plane, height: height, width: width, deviation)
        for y in 0..<height {
            for x in 0..<width {
                var (sum, weights) = (0.0, 0.0)
                for dy in -radius...radius {
                    for dx in -radius...radius {
                        let w = weight(dy) * weight(dx)
                        let (row, column) = (reflected(y + dy, height), reflected(x + dx, width))
                        sum += w * Double(plane[row * width + column])
                        weights += w
                    }
                }
                #expect(abs(Double(found[y * width + x]) - sum / weights) < 1e-5)
            }
        }
    }

    @Test func `an even plane stays, a line of one pixel too`() {
        for value in blurred(Array(repeating: 0.3, count: 12), height: 3, width: 4, 2) {
            #expect(abs(value - 0.3) < 1e-6)
        }
        #expect(blurred([0.5], height: 1, width: 1, 1).allSatisfy { abs($0 - 0.5) < 1e-6 })
    }

    @Test func `views are blurred with their probability, by sample and epoch alone`() {
        let dataset = syntheticDataset(count: 6)
        func views(_ samples: [Int], probability: Float, epoch: Int = 0) -> Tensor {
            dataset.randomResizedCropFlip(
                samples, dataEpoch: epoch, seed: 3,
                settings: ViewSettings(
                    height: 28, width: 28, blur: GaussianBlur(probability: probability)))
        }
        let (sharp, soft) = (views([0, 4], probability: 0), views([0, 4], probability: 1))
        #expect(views([4], probability: 1).isBitIdentical(to: soft.rows(1..<2)))
        #expect(!views([4], probability: 1, epoch: 1).isBitIdentical(to: soft.rows(1..<2)))
        // Noise loses most of its spread, but not its mean.
        func spread(_ views: Tensor) -> (mean: Float, deviation: Float) {
            let (values, n) = (views.values, Float(views.count))
            let mean = values.reduce(0, +) / n
            return (mean, (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n).squareRoot())
        }
        #expect(spread(soft).deviation < spread(sharp).deviation)
        #expect(abs(spread(soft).mean - spread(sharp).mean) < 0.1)
        let blur = GaussianBlur(probability: 0.5, sigma: 0.1...2)
        let deviations = (0..<2000).compactMap {
            blur.deviation(seed: 1, dataEpoch: 0, sample: $0, view: 0)
        }
        #expect((900...1100).contains(deviations.count))
        #expect((deviations.min() ?? 1) < 0.12 && (deviations.max() ?? 0) > 1.95)
    }
}
