public import Tensors

/// A linear probe whose weight C is found on a validation split, then fitted to all samples.
///
/// CLIP's search (sheet MLCD section 5): C from 1e-6 to 1e6, eight values a decade; seven coarse
/// ones first, then around the best at half the distance, again and again, down to neighbours.
public struct LinearProbeSearch: Sendable {
    /// Values of C in a decade.
    private static let perDecade = 8
    /// Exponents of ten, of the coarse values.
    private static let coarse = [-6, -4, -2, 0, 2, 4, 6]
    /// Every so manieth sample is held out to choose by, whatever order samples come in.
    private static let heldOutEvery = 5

    /// A value that was tried.
    public struct Trial: Hashable, Sendable {
        /// C.
        public let weight: Double
        /// Top-1 accuracy on the samples held out, a share of 1.
        public let accuracy: Double
    }

    /// What was tried, in the order of trying.
    public let trials: [Trial]
    /// The best; of equal ones that of the smallest C.
    public let best: Trial
    /// The probe of the best C, fitted to all samples.
    public let probe: LinearProbe

    /// Searches, and fits.
    ///
    /// - Parameters:
    ///   - samples: `[n, d]`, n at least 5, standardised if so wanted.
    ///   - labels: `[n]`, in `0..<classCount`.
    ///   - threads: without influence on the result.
    ///   - report: is given each trial as it is made.
    public init(
        samples: Tensor, labels: [Int], classCount: Int, optimizer: LBFGS = LBFGS(),
        threads: Int, report: (Trial) -> Void = { _ in }
    ) {
        precondition(samples.shape[0] == labels.count, "\(labels.count) labels")
        precondition(labels.count >= Self.heldOutEvery, "\(labels.count) samples")
        let (fitted, heldOut) = Self.split(labels.count)
        let (fittedSamples, heldOutSamples) = (
            samples.rows(at: fitted), samples.rows(at: heldOut)
        )
        let (fittedLabels, heldOutLabels) = (fitted.map { labels[$0] }, heldOut.map { labels[$0] })
        self.init(
            accuracy: { weight in
                let probe = LinearProbe(
                    samples: fittedSamples, labels: fittedLabels, classCount: classCount,
                    weight: weight, optimizer: optimizer, threads: threads)
                return topAccuracy(
                    probe.logits(of: heldOutSamples), classCount: classCount,
                    labels: heldOutLabels)
            },
            fit: { weight in
                LinearProbe(
                    samples: samples, labels: labels, classCount: classCount, weight: weight,
                    optimizer: optimizer, threads: threads)
            }, report: report)
    }

    /// The search itself, over whatever the accuracy of a value is.
    init(
        accuracy: (Double) -> Double, fit: (Double) -> LinearProbe,
        report: (Trial) -> Void = { _ in }
    ) {
        var found: [(place: Int, trial: Trial)] = []
        func attempt(_ place: Int) {
            let bound = Self.perDecade * Self.coarse[Self.coarse.count - 1]
            guard abs(place) <= bound, !found.contains(where: { $0.place == place }) else {
                return
            }
            let weight = Self.weight(at: place)
            let trial = Trial(weight: weight, accuracy: accuracy(weight))
            report(trial)
            found.append((place, trial))
        }
        func bestPlace() -> Int {
            found.min { ($1.trial.accuracy, $0.place) < ($0.trial.accuracy, $1.place) }?.place ?? 0
        }
        for exponent in Self.coarse { attempt(exponent * Self.perDecade) }
        var step = Self.perDecade
        while step >= 1 {
            let middle = bestPlace()
            attempt(middle - step)
            attempt(middle + step)
            step /= 2
        }
        let place = bestPlace()
        trials = found.map(\.trial)
        best = found.first { $0.place == place }?.trial ?? Trial(weight: 1, accuracy: 0)
        probe = fit(best.weight)
    }

    /// C at so many eighths of a decade from 1.
    private static func weight(at place: Int) -> Double {
        DoubleMath.exp(Double(place) / Double(perDecade) * 2.302_585_092_994_046)
    }

    /// The samples that are fitted, and those held out.
    private static func split(_ count: Int) -> (fitted: [Int], heldOut: [Int]) {
        let all = 0..<count
        return (
            all.filter { $0 % heldOutEvery != heldOutEvery - 1 },
            all.filter { $0 % heldOutEvery == heldOutEvery - 1 }
        )
    }
}
