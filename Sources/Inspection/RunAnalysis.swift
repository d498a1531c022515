public import Datasets
public import Evaluation
public import Methods
internal import RunFiles
internal import Tensors

/// What a run's loss has done to the space of its embeddings, measured on held-out images, with the
/// accuracies of what was learnt.
public struct RunAnalysis: Hashable, Sendable {
    /// Which vectors are looked at.
    public enum Space: String, Hashable, Sendable, CaseIterable {
        /// The head's embeddings z.
        case embeddings
        /// The encoder's features: those of a method whose embeddings are logits of classes.
        case features
    }

    /// Accuracies on the held-out images, shares of 1, by the protocol of `pleiad evaluate`.
    public struct Accuracies: Hashable, Sendable {
        /// kNN of the analysed vectors among those of the training images.
        public var knn: Double
        /// kNN of the encoder's features.
        public var featureKNN: Double
        /// The linear probe on the encoder's features.
        public var linear: Double
        /// kNN of the embeddings among the rows of the run's bank; nil without one.
        public var bankKNN: Double?

        /// These accuracies.
        public init(knn: Double, featureKNN: Double, linear: Double, bankKNN: Double? = nil) {
            (self.knn, self.featureKNN, self.linear) = (knn, featureKNN, linear)
            self.bankKNN = bankKNN
        }
    }

    /// The run's name.
    public var run: String
    /// The method's name.
    public var method: String
    /// Steps that were committed; nil for the network as it began.
    public var step: Int?
    /// The name of the held-out images.
    public var images: String
    /// Which vectors the figures are of.
    public var space: Space
    /// The figures.
    public var embedding: EmbeddingAnalysis
    /// The place of the run's own loss among the penalties; nil if it has no temperature.
    public var ownPenalty: Int?
    /// The accuracies.
    public var accuracies: Accuracies

    /// An analysis with these parts.
    public init(
        run: String, method: String, step: Int?, images: String, space: Space,
        embedding: EmbeddingAnalysis, ownPenalty: Int?, accuracies: Accuracies
    ) {
        self.run = run
        self.method = method
        self.step = step
        self.images = images
        self.space = space
        self.embedding = embedding
        self.ownPenalty = ownPenalty
        self.accuracies = accuracies
    }

    /// Analyses a version of a run.
    ///
    /// - Parameters:
    ///   - plan: the run, whose method trains an image encoder.
    ///   - extractor: the version's network.
    ///   - step: the version's; nil for the network as it began.
    ///   - train: the images that were trained on, as the neighbours and the probe's samples.
    ///   - test: the held-out images.
    ///   - memoryBank: the version's; nil where there is none.
    /// - Throws: `InspectionError.fewImages`, `.notFinite`, `.otherBank`.
    public init(
        of plan: RunPlan, extractor: FeatureExtractor, step: Int?, train: ImageDataset,
        test: ImageDataset, memoryBank: InspectedBank? = nil
    ) throws(InspectionError) {
        guard test.count > 1, train.count > 0 else {
            throw .fewImages(name: test.name, count: test.count)
        }
        let method = plan.method
        let space: Space = method.embedsLogits ? .features : .embeddings
        func analysed(_ both: (features: Tensor, embeddings: Tensor)) -> Tensor {
            space == .features
                ? both.features : both.embeddings.leadingColumns(method.evaluatedWidth)
        }
        let (bank, queries) = (extractor(train), extractor(test))
        let f = analysed(queries)
        let wild = Self.rowsNotFinite(f)
        guard wild == 0 else { throw .notFinite(rows: wild, of: test.name) }
        let labels = test.labels.map(Int.init)
        let (losses, own) = Self.losses(
            method.instanceContrast, rows: train.count, negatives: test.count - 1)
        let views = method.imageViews.map { settings in
            func view(_ number: Int) -> Tensor {
                analysed(
                    extractor(
                        view: number, of: test, seed: plan.settings.seed, settings: settings))
            }
            return EmbeddingAnalysis.Views(view(0), view(1))
        }
        var accuracies = Accuracies(
            bank: (bank.features, analysed(bank)), bankLabels: train.labels.map(Int.init),
            queries: (queries.features, f), labels: labels, classCount: train.classCount,
            threads: extractor.threads)
        accuracies.bankKNN = try memoryBank?.accuracy(
            of: queries.embeddings, labels: labels, among: train, threads: extractor.threads)
        self.init(
            run: plan.settings.name, method: plan.settings.method, step: step, images: test.name,
            space: space,
            embedding: EmbeddingAnalysis(
                of: f, labels: labels, views: views, losses: losses, threads: extractor.threads),
            ownPenalty: own, accuracies: accuracies)
    }

    /// The losses of the paper's temperatures and the run's own in rising order, and the latter's
    /// place.
    ///
    /// A loss over the nearest K of N rows is asked about with the same share of the negatives.
    static func losses(
        _ contrast: InstanceContrast?, rows: Int, negatives: Int
    ) -> (losses: [PenaltyProfile.Loss], own: Int?) {
        var losses = EmbeddingAnalysis.temperatures.map { PenaltyProfile.Loss(temperature: $0) }
        guard let contrast, let temperature = contrast.temperature else { return (losses, nil) }
        let hardest = contrast.hardest.map { hardest in
            let share = Double(hardest) / Double(rows) * Double(negatives)
            return min(max(1, Int(share.rounded())), negatives)
        }
        let own = PenaltyProfile.Loss(temperature: temperature, hardest: hardest)
        if let place = losses.firstIndex(of: own) { return (losses, place) }
        let place = losses.firstIndex { $0.temperature > temperature } ?? losses.count
        losses.insert(own, at: place)
        return (losses, place)
    }

    @inline(never)
    private static func rowsNotFinite(_ rows: Tensor) -> Int {
        let width = rows.shape[1]
        let values = rows.span
        return (0..<rows.shape[0]).count { row in
            (0..<width).contains { !values[row * width + $0].isFinite }
        }
    }
}

extension RunAnalysis.Accuracies {
    /// Measures features and analysed vectors.
    fileprivate init(
        bank: (features: Tensor, analysed: Tensor), bankLabels: [Int],
        queries: (features: Tensor, analysed: Tensor), labels: [Int], classCount: Int,
        threads: Int
    ) {
        let measure = RepresentationProtocol()
        func neighbours(_ bank: Tensor, _ queries: Tensor) -> Double {
            measure.nearestNeighbours(
                bank: .init(features: bank, labels: bankLabels),
                queries: .init(features: queries, labels: labels), classCount: classCount,
                threads: threads)
        }
        self.init(
            knn: neighbours(bank.analysed, queries.analysed),
            featureKNN: neighbours(bank.features, queries.features),
            linear: measure.linear(
                bank: .init(features: bank.features, labels: bankLabels),
                queries: .init(features: queries.features, labels: labels),
                classCount: classCount, threads: threads))
    }
}
