internal import Kernels
public import Tensors

/// The linear evaluation of instance discrimination: one linear layer on frozen features, trained
/// by SGD with momentum (sheet contrastive, section 5; the protocol of MoCo and its forerunners).
///
/// Features are those before the head, as they are: the rate of 30 is for features that are not
/// standardised. The one augmentation is the mirror image, so an image has two features, of which
/// every epoch draws one. All draws follow from the seed; blocks of a batch are summed in their
/// order, so threads decide no bit.
public struct LinearEvaluation: Sendable {
    /// How the layer is trained.
    public struct Settings: Hashable, Sendable {
        /// Passes over the images.
        public var epochs = 100
        /// Images of a step; the last step of an epoch has what is left.
        public var batch = 256
        /// The learning rate of the first epoch.
        public var rate = 30.0
        /// What of the last move stays in the next one.
        public var momentum = 0.9
        /// The rate is multiplied by `factor` once the epoch, counted from 1, is past each of
        /// these.
        public var drops = [40, 60, 80]
        /// What a drop multiplies the rate by.
        public var factor = 0.2
        /// The deviation of the first weights; biases begin as 0.
        public var deviation: Float = 0.01
        /// The seed of first weights, order and mirror images.
        public var seed: UInt64

        /// The protocol's values.
        public init(seed: UInt64) { self.seed = seed }

        /// The learning rate of an epoch, counted from 1.
        public func rate(epoch: Int) -> Double {
            drops.reduce(rate) { epoch > $1 ? $0 * factor : $0 }
        }
    }

    /// Features of the images to learn from.
    public struct Samples: Sendable {
        /// Of the plain images, `[n, d]`.
        public let plain: Tensor
        /// Of their mirror images, `[n, d]`.
        public let mirrored: Tensor
        /// `[n]`.
        public let labels: [Int]

        /// `labels.count` rows of both, at least one.
        public init(plain: Tensor, mirrored: Tensor, labels: [Int]) {
            precondition(
                plain.shape.rank == 2 && plain.shape == mirrored.shape
                    && plain.shape[0] == labels.count && !labels.isEmpty,
                "features \(plain.shape) and \(mirrored.shape), \(labels.count) labels")
            (self.plain, self.mirrored, self.labels) = (plain, mirrored, labels)
        }

        /// Rows `[images.count, d]` of images or their mirror images.
        func rows(_ images: ArraySlice<Int>, isMirrored: (Int) -> Bool) -> Tensor {
            let width = plain.shape[1]
            var rows = Tensor(uninitialized: [images.count, width])
            var output = rows.mutableSpan
            for (place, image) in images.enumerated() {
                let source = isMirrored(image) ? mirrored : plain
                Blocks.copy(
                    source.span, from: image * width, count: width, into: &output,
                    at: place * width)
            }
            return rows
        }
    }

    /// What the draws of a seed are for.
    private enum Draw: UInt64 {
        case weights, order, mirror
    }

    /// Rows of a batch whose gradients are summed in one piece: four threads have work.
    private static let blockRows = 64

    /// Classes.
    public let classCount: Int
    /// `[classCount, d]` row by row, then one bias a class.
    public private(set) var parameters: [Double]
    /// The mean cross-entropy of each epoch, as it was when its images came by; fewer than epochs
    /// if training left the finite numbers, which ends it.
    public private(set) var losses: [Double] = []

    /// Trains a layer.
    ///
    /// - Parameters:
    ///   - classCount: labels lie in `0..<classCount`.
    ///   - threads: without influence on the result.
    ///   - report: gets the mean loss after every epoch.
    @inline(never)
    public init(
        _ samples: Samples, classCount: Int, settings: Settings, threads: Int,
        report: (_ epoch: Int, _ loss: Double) -> Void = { _, _ in }
    ) {
        self.classCount = classCount
        let weights = Self.draws(settings.seed, .weights)
            .normalTensor([classCount, samples.plain.shape[1]], deviation: settings.deviation)
        parameters = weights.values.map(Double.init) + [Double](repeating: 0, count: classCount)
        var velocity = [Double](repeating: 0, count: parameters.count)
        for epoch in 1...settings.epochs {
            let loss = train(
                samples, epoch: epoch, settings, velocity: &velocity, threads: threads)
            losses.append(loss)
            report(epoch, loss)
            guard isFinite else { return }
        }
    }

    /// Whether the loss of the last epoch and all parameters are numbers: only then do logits say
    /// something.
    public var isFinite: Bool {
        losses.last?.isFinite == true && parameters.allSatisfy(\.isFinite)
    }

    private static func draws(_ seed: UInt64, _ draw: Draw, epoch: Int = 0) -> CounterRandom {
        CounterRandom(
            seed: seed, stream: .linearEvaluation, a: draw.rawValue, b: UInt64(epoch))
    }

    /// One pass over the images: v <- momentum v + dL/dw, w <- w - rate v, for each batch.
    ///
    /// - Returns: the mean loss.
    private mutating func train(
        _ samples: Samples, epoch: Int, _ settings: Settings, velocity: inout [Double],
        threads: Int
    ) -> Double {
        let count = samples.labels.count
        let order = Self.draws(settings.seed, .order, epoch: epoch).permutation(count)
        let mirror = Self.draws(settings.seed, .mirror, epoch: epoch)
        let rate = settings.rate(epoch: epoch)
        var sum = 0.0
        for first in stride(from: 0, to: count, by: settings.batch) {
            let images = order[first..<min(count, first + settings.batch)]
            let problem = SoftmaxRegression(
                samples: samples.rows(images) { mirror.bits(at: $0) & 1 == 1 },
                labels: images.map { samples.labels[$0] }, classCount: classCount, weight: 1,
                blockRows: Self.blockRows, threads: threads)
            let (loss, gradient) = problem.crossEntropies(parameters)
            sum += loss
            let share = 1 / Double(images.count)
            for place in parameters.indices {
                velocity[place] = settings.momentum * velocity[place] + share * gradient[place]
                parameters[place] -= rate * velocity[place]
            }
        }
        return sum / Double(count)
    }

    /// The share of images whose class has the greatest logit; nil if training left the finite
    /// numbers.
    ///
    /// - Parameter features: of plain images, `[m, d]`.
    public func accuracy(of features: Tensor, labels: [Int]) -> Double? {
        guard isFinite else { return nil }
        let problem = SoftmaxRegression(
            samples: features, labels: labels, classCount: classCount, weight: 1, threads: 1)
        return topAccuracy(
            problem.logits(parameters, of: features), classCount: classCount, labels: labels)
    }
}
