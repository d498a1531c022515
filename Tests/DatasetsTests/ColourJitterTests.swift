import Tensors
import Testing

@testable import Datasets

struct ColourJitterTests {
    private let jitter = ColourJitter(brightness: 0.4, contrast: 0.4)

    private func change(_ sample: Int, view: Int = 0, epoch: Int = 0) -> ColourChange {
        ColourChange(jitter, seed: 3, dataEpoch: epoch, sample: sample, view: view)
    }

    private func views(
        _ dataset: ImageDataset, _ samples: [Int], _ jitter: ColourJitter, epoch: Int = 0
    ) -> Tensor {
        dataset.randomResizedCropFlip(
            samples, dataEpoch: epoch, seed: 3,
            settings: ViewSettings(height: 28, width: 28, jitter: jitter))
    }

    @Test func `a view is its crop with brightness and contrast changed, then normalised`() {
        let dataset = syntheticDataset(count: 6, channels: 2)
        let plain = views(dataset, [4], .none).values
        let coloured = views(dataset, [4], jitter).values
        let change = change(4)
        // Back to 0...1, by torchvision's formulas in double precision, and normalised again.
        var x = plain.enumerated().map { index, value in
            let channel = index / 784
            return Double(value) * Double(dataset.statistics.deviation[channel])
                + Double(dataset.statistics.mean[channel])
        }
        func clip(_ value: Double) -> Double { min(max(value, 0), 1) }
        func brighten() { x = x.map { clip($0 * Double(change.brightness)) } }
        func contrast() {
            let mean = x.reduce(0, +) / Double(x.count)
            let c = Double(change.contrast)
            x = x.map { clip($0 * c + (1 - c) * mean) }
        }
        if (change.steps[0] == .contrast) { contrast() }
        brighten()
        if !(change.steps[0] == .contrast) { contrast() }
        for (index, value) in x.enumerated() {
            let channel = index / 784
            let expected =
                (value - Double(dataset.statistics.mean[channel]))
                / Double(dataset.statistics.deviation[channel])
            #expect(abs(Double(coloured[index]) - expected) < 2e-5)
        }
    }

    @Test func `without jitter views keep their bits`() {
        let dataset = syntheticDataset(count: 6)
        let plain = dataset.randomResizedCropFlip(
            [0, 3], dataEpoch: 1, seed: 3, settings: ViewSettings(height: 28, width: 28))
        #expect(views(dataset, [0, 3], .none, epoch: 1).isBitIdentical(to: plain))
    }

    @Test func `a view depends on its sample and epoch alone`() {
        let dataset = syntheticDataset(count: 6)
        let all = views(dataset, [0, 1, 2, 3], jitter)
        #expect(views(dataset, [2], jitter).isBitIdentical(to: all.rows(2..<3)))
        #expect(!views(dataset, [2], jitter, epoch: 1).isBitIdentical(to: all.rows(2..<3)))
    }

    @Test func `factors are uniform around 1, and both orders occur`() {
        let changes = (0..<4000).map { change($0) }
        for factor in [\ColourChange.brightness, \ColourChange.contrast] {
            let values = changes.map { $0[keyPath: factor] }
            #expect(values.allSatisfy { $0 >= 0.6 && $0 <= 1.4 })
            #expect(abs(values.reduce(0, +) / 4000 - 1) < 0.02)
            #expect((values.min() ?? 1) < 0.61 && (values.max() ?? 1) > 1.39)
        }
        let first = changes.count { $0.steps == [.contrast, .brightness] }
        #expect((1800...2200).contains(first))
        #expect(change(1) != change(1, view: 1))
        #expect(change(1) != change(1, epoch: 1))
    }

    /// Colours in double precision by other formulas: grey by torchvision's weights, hue as the
    /// angle of the hexagon's corner.
    private struct Pixel {
        var r: Double
        var g: Double
        var b: Double

        var grey: Double { 0.2989 * r + 0.587 * g + 0.114 * b }

        func blended(with other: Double, _ factor: Double) -> Pixel {
            func one(_ x: Double) -> Double { min(max(factor * x + (1 - factor) * other, 0), 1) }
            return Pixel(r: one(r), g: one(g), b: one(b))
        }

        /// By the six sectors of the textbook's table.
        func turned(by share: Double) -> Pixel {
            let (v, m) = (max(r, g, b), min(r, g, b))
            let c = v - m
            guard c > 0 else { return self }
            var h = v == r ? (g - b) / c : v == g ? (b - r) / c + 2 : (r - g) / c + 4
            h = (h / 6 + share).truncatingRemainder(dividingBy: 1)
            if h < 0 { h += 1 }
            let sector = Int(h * 6)
            let f = h * 6 - Double(sector)
            let s = c / v
            let (p, q, t) = (v * (1 - s), v * (1 - f * s), v * (1 - (1 - f) * s))
            let table = [(v, t, p), (q, v, p), (p, v, t), (p, q, v), (t, p, v), (v, p, q)]
            let (r, g, b) = table[sector % 6]
            return Pixel(r: r, g: g, b: b)
        }
    }

    private static let full = ColourJitter(
        brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.4, probability: 0.8,
        greyProbability: 0.3)

    @Test func `colours are torchvision's, in every order`() {
        let dataset = syntheticDataset(count: 60, channels: 3, height: 6, width: 5)
        let samples = Array(0..<60)
        func views(_ jitter: ColourJitter) -> Tensor {
            dataset.randomResizedCropFlip(
                samples, dataEpoch: 0, seed: 3,
                settings: ViewSettings(height: 6, width: 5, jitter: jitter))
        }
        let (plain, coloured) = (views(.none), views(Self.full))
        func value(_ views: Tensor, _ sample: Int, _ channel: Int, _ pixel: Int) -> Double {
            Double(views.values[(sample * 3 + channel) * 30 + pixel])
                * Double(dataset.statistics.deviation[channel])
                + Double(dataset.statistics.mean[channel])
        }
        for sample in samples {
            let change = ColourChange(
                Self.full, seed: 3, dataEpoch: 0, sample: sample, view: 0)
            var pixels = (0..<30).map { pixel in
                Pixel(
                    r: value(plain, sample, 0, pixel), g: value(plain, sample, 1, pixel),
                    b: value(plain, sample, 2, pixel))
            }
            for step in change.steps {
                let mean = pixels.reduce(0) { $0 + $1.grey } / 30
                pixels = pixels.map { pixel in
                    switch step {
                    case .brightness: pixel.blended(with: 0, Double(change.brightness))
                    case .contrast: pixel.blended(with: mean, Double(change.contrast))
                    case .saturation: pixel.blended(with: pixel.grey, Double(change.saturation))
                    case .hue: pixel.turned(by: Double(change.hue))
                    }
                }
            }
            if change.isGrey { pixels = pixels.map { $0.blended(with: $0.grey, 0) } }
            for (place, pixel) in pixels.enumerated() {
                for (channel, wanted) in [pixel.r, pixel.g, pixel.b].enumerated() {
                    #expect(abs(value(coloured, sample, channel, place) - wanted) < 1e-4)
                }
            }
        }
    }

    @Test func `every order occurs, and probabilities hold`() {
        let changes = (0..<6000).map {
            ColourChange(Self.full, seed: 9, dataEpoch: 2, sample: $0, view: 1)
        }
        let made = changes.filter { !$0.steps.isEmpty }
        #expect((4650...4950).contains(made.count))
        #expect((1650...1950).contains(changes.count { $0.isGrey }))
        let orders = Dictionary(grouping: made.map { "\($0.steps)" }, by: \.self)
        #expect(orders.count == 24)
        #expect(orders.values.allSatisfy { (140...260).contains($0.count) })
        let hues = changes.map(\.hue)
        #expect((hues.min() ?? 0) < -0.38 && (hues.max() ?? 0) > 0.38)
    }

    @Test func `later keys leave the draws of brightness and contrast alone`() {
        for sample in 0..<50 {
            let before = change(sample)
            let full = ColourChange(Self.full, seed: 3, dataEpoch: 0, sample: sample, view: 0)
            #expect(before.brightness == full.brightness && before.contrast == full.contrast)
            let order = full.steps.filter { $0 == .brightness || $0 == .contrast }
            #expect(full.steps.isEmpty || order == before.steps)
        }
    }

    @Test func `grey images have no hue and no saturation`() {
        let dataset = syntheticDataset(count: 6)
        let grey = ColourJitter(
            brightness: 0.4, contrast: 0.4, saturation: 0.9, hue: 0.5, greyProbability: 1)
        #expect(views(dataset, [0, 5], grey).isBitIdentical(to: views(dataset, [0, 5], jitter)))
    }
}
