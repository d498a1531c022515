public import Tensors

/// The protocol by which representations are compared (sheet MLCD section 6, reference run).
public struct RepresentationProtocol: Hashable, Sendable {
    /// Neighbours that vote.
    public var neighbours = 20
    /// Temperature of the votes.
    public var temperature: Float = 0.07
    /// The first so many samples of the bank train the linear probe.
    public var linearSamples = 20_000
    /// C of the linear probe.
    public var linearWeight = 0.316
    /// Iterations of L-BFGS at most.
    public var linearIterations = 100
    /// The same where C is searched: the paper's.
    public var searchedIterations = 1000

    /// So many nearest others of an image are looked through by image retrieval.
    public var retrievalDepths = [1, 5, 10]

    /// The reference run's values.
    public init() {}

    /// Features with labels.
    public struct LabelledFeatures: Sendable {
        /// `[n, d]`.
        public let features: Tensor
        /// `[n]`.
        public let labels: [Int]

        /// `labels.count` rows of features.
        public init(features: Tensor, labels: [Int]) {
            precondition(
                features.shape.rank == 2 && features.shape[0] == labels.count,
                "features \(features.shape), \(labels.count) labels")
            self.features = features
            self.labels = labels
        }
    }

    /// Top-1 accuracy of kNN over the whole bank, a share of 1.
    public func nearestNeighbours(
        bank: LabelledFeatures, queries: LabelledFeatures, classCount: Int, threads: Int
    ) -> Double {
        NearestNeighbourVotes(
            bank: bank.features, bankLabels: bank.labels, queries: queries.features,
            neighbours: [neighbours], temperature: temperature, classCount: classCount,
            threads: threads
        ).accuracy(queries.labels)
    }

    /// Recall of image retrieval at each depth, a share of 1: of how many images one of the nearest
    /// others, by cosine, has the same label (sheet MLCD section 5).
    ///
    /// Depths that the images are too few for are left out.
    public func retrieval(
        of images: LabelledFeatures, threads: Int
    ) -> [(depth: Int, recall: Double)] {
        let depths = retrievalDepths.filter { $0 < images.labels.count }
        guard let deepest = depths.max() else { return [] }
        let retrieval = ImageRetrieval(
            features: images.features, depth: deepest, threads: threads)
        return depths.map { ($0, retrieval.recall(images.labels, at: $0)) }
    }

    /// A linear probe on the whole bank whose weight is searched on a part of it, with its top-1
    /// accuracy on the queries, a share of 1; features are standardised by the bank.
    public func searchedLinear(
        bank: LabelledFeatures, queries: LabelledFeatures, classCount: Int, threads: Int,
        report: (LinearProbeSearch.Trial) -> Void = { _ in }
    ) -> (accuracy: Double, search: LinearProbeSearch) {
        let standardiser = FeatureStandardiser(of: bank.features)
        let search = LinearProbeSearch(
            samples: standardiser.applied(to: bank.features), labels: bank.labels,
            classCount: classCount, optimizer: LBFGS(iterationsMax: searchedIterations),
            threads: threads, report: report)
        let logits = search.probe.logits(of: standardiser.applied(to: queries.features))
        return (topAccuracy(logits, classCount: classCount, labels: queries.labels), search)
    }

    /// Top-1 accuracy of the linear probe on features standardised by the whole bank, a share of 1.
    public func linear(
        bank: LabelledFeatures, queries: LabelledFeatures, classCount: Int, threads: Int
    ) -> Double {
        let standardiser = FeatureStandardiser(of: bank.features)
        let count = min(linearSamples, bank.labels.count)
        let probe = LinearProbe(
            samples: standardiser.applied(to: bank.features.rows(0..<count)),
            labels: Array(bank.labels[..<count]), classCount: classCount, weight: linearWeight,
            optimizer: LBFGS(iterationsMax: linearIterations), threads: threads)
        let logits = probe.logits(of: standardiser.applied(to: queries.features))
        return topAccuracy(logits, classCount: classCount, labels: queries.labels)
    }
}
