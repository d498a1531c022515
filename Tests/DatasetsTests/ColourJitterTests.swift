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
        if change.isContrastFirst { contrast() }
        brighten()
        if !change.isContrastFirst { contrast() }
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
        let first = changes.count { $0.isContrastFirst }
        #expect((1800...2200).contains(first))
        #expect(change(1) != change(1, view: 1))
        #expect(change(1) != change(1, epoch: 1))
    }
}
