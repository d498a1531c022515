import Foundation
import Tensors
import Testing

@testable import Evaluation

@Suite struct LinearProbeSearchTests {
    /// A search over an accuracy that is a function of log10 C.
    private func search(_ accuracy: (Double) -> Double) -> LinearProbeSearch {
        LinearProbeSearch(
            accuracy: { accuracy(log10($0)) },
            fit: { weight in
                LinearProbe(
                    samples: Tensor([1, 0, 0, 1], shape: [2, 2]), labels: [0, 1], classCount: 2,
                    weight: min(weight, 1), threads: 1)
            })
    }

    @Test(arguments: [-5.9, -3.2, -0.4, 0, 1.1, 2.75, 5.3])
    func `a single peak is found to an eighth of a decade`(peak: Double) {
        let found = search { -abs($0 - peak) }
        #expect(abs(log10(found.best.weight) - peak) <= 0.5 / 8 + 1e-9)
        // Seven, and twice four; fewer where the peak is near an end.
        #expect(found.trials.count == 15 || (abs(peak) > 5 && found.trials.count > 10))
        #expect(Set(found.trials.map(\.weight)).count == found.trials.count)
    }

    @Test func `it begins with seven values over twelve decades, and keeps within them`() {
        let found = search { -$0 }
        let first = found.trials.prefix(7).map { log10($0.weight).rounded() }
        #expect(first == [-6, -4, -2, 0, 2, 4, 6])
        #expect(abs(log10(found.best.weight) + 6) < 1e-9)
        #expect(found.trials.allSatisfy { abs(log10($0.weight)) <= 6 + 1e-9 })
    }

    @Test func `of equal accuracies the smallest C wins`() {
        #expect(abs(log10(search { _ in 0.5 }.best.weight) + 6) < 1e-9)
        #expect(abs(log10(search { $0 >= -1 ? 0.9 : 0.1 }.best.weight) + 1) < 1e-9)
    }

    @Test func `on data it fits the best of its trials to all samples`() {
        let bank = labelledPoints(count: 300, dim: 9, classes: 4, spread: 1.2, seed: 3)
        let queries = labelledPoints(count: 300, dim: 9, classes: 4, spread: 1.2, seed: 4)
        var reported: [LinearProbeSearch.Trial] = []
        let search = LinearProbeSearch(
            samples: bank.features, labels: bank.labels, classCount: 4, threads: 2
        ) { reported.append($0) }
        #expect(reported == search.trials)
        #expect(search.best.accuracy == search.trials.map(\.accuracy).max())
        #expect(Set(search.trials.map(\.accuracy)).count > 1, "C makes a difference")
        let alone = LinearProbe(
            samples: bank.features, labels: bank.labels, classCount: 4,
            weight: search.best.weight, threads: 1)
        #expect(search.probe.weights == alone.weights && search.probe.bias == alone.bias)
        let logits = search.probe.logits(of: queries.features)
        #expect(topAccuracy(logits, classCount: 4, labels: queries.labels) > 0.6)
    }
}
