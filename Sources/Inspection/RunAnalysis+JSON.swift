internal import Evaluation
public import Storage

extension RunAnalysis {
    /// The analysis as `pleiad analyse --json` prints it; keys are only ever added.
    public var json: JSONValue {
        var members = [
            JSONMember("run", .string(run)), JSONMember("method", .string(method)),
            JSONMember("step", step.map { .integer(Int64($0)) } ?? .null),
            JSONMember("images", .string(images)),
            JSONMember("count", .integer(Int64(embedding.imageCount))),
            JSONMember("space", .string(space.rawValue)),
            JSONMember("dim", .integer(Int64(embedding.dim))),
            JSONMember("uniformity", .number(embedding.uniformity)),
            JSONMember("tolerance", Self.optional(embedding.tolerance)),
            JSONMember("alignment", Self.optional(embedding.alignment)),
            JSONMember("knn", .number(accuracies.knn)),
            JSONMember("knn_features", .number(accuracies.featureKNN)),
            JSONMember("linear", .number(accuracies.linear)),
            JSONMember("knn_bank", Self.optional(accuracies.bankKNN)),
        ]
        members += [
            JSONMember("positive_similarity", Self.optional(embedding.positiveSimilarity)),
            JSONMember("negative_similarity", .number(embedding.negativeSimilarity)),
            JSONMember(
                "nearest_similarities",
                .array(embedding.nearestSimilarities.map(JSONValue.number))),
            JSONMember("separation", Self.optional(embedding.separation)),
            JSONMember(
                "histograms",
                [
                    "from": -1, "width": .number(2 / Double(SimilarityHistogram.binCount)),
                    "positives": embedding.positives.map(Self.counts) ?? .null,
                    "same_class": Self.counts(embedding.sameClass),
                    "other_class": Self.counts(embedding.otherClass),
                ]),
            JSONMember(
                "penalties",
                .array(
                    embedding.penalties.enumerated().map {
                        Self.json($1, isOwn: $0 == ownPenalty)
                    })),
        ]
        return .object(members)
    }

    /// The accuracies by the names under which evaluations keep them.
    func evaluation(of step: Int) -> EvaluationRecord {
        var figures = [("knn.top1", accuracies.featureKNN), ("linear.top1", accuracies.linear)]
        if space == .embeddings { figures.append(("knn.embedding_top1", accuracies.knn)) }
        if let bank = accuracies.bankKNN { figures.append(("knn.bank_top1", bank)) }
        return EvaluationRecord(step: step, figures)
    }

    private static func optional(_ value: Double?) -> JSONValue {
        value.map(JSONValue.number) ?? .null
    }

    private static func counts(_ histogram: SimilarityHistogram) -> JSONValue {
        .array(histogram.counts.map { .integer(Int64($0)) })
    }

    private static func json(_ penalty: PenaltyProfile, isOwn: Bool) -> JSONValue {
        [
            "temperature": .number(penalty.loss.temperature),
            "hardest": penalty.loss.hardest.map { .integer(Int64($0)) } ?? .null,
            "own": .bool(isOwn),
            "entropy": .number(penalty.entropy),
            "effective_negatives": .number(penalty.effectiveNegatives),
            "nearest": .array(
                penalty.nearest.map {
                    ["count": .integer(Int64($0.count)), "share": .number($0.share)]
                }),
            "by_similarity": .array(penalty.bySimilarity.map(JSONValue.number)),
        ]
    }

    /// The analysis that `json` shows; nil if it does not show one.
    public init?(json: JSONValue) {
        guard let run = json["run"]?.string, let method = json["method"]?.string,
            let step = json["step"], let images = json["images"]?.string,
            let space = json["space"]?.string.flatMap(Space.init(rawValue:)),
            let embedding = EmbeddingAnalysis(json: json),
            let knn = json["knn"]?.number, let features = json["knn_features"]?.number,
            let linear = json["linear"]?.number
        else { return nil }
        let own = json["penalties"]?.array?.firstIndex { $0["own"] == .bool(true) }
        self.init(
            run: run, method: method, step: step.integer.flatMap { Int(exactly: $0) },
            images: images, space: space, embedding: embedding, ownPenalty: own,
            accuracies: Accuracies(
                knn: knn, featureKNN: features, linear: linear, bankKNN: json["knn_bank"]?.number))
    }
}

extension EmbeddingAnalysis {
    fileprivate init?(json: JSONValue) {
        guard let count = json["count"]?.integer, let dim = json["dim"]?.integer,
            let uniformity = json["uniformity"]?.number,
            let negative = json["negative_similarity"]?.number,
            let nearest = json["nearest_similarities"]?.array?.map(\.number),
            let histograms = json["histograms"],
            let same = SimilarityHistogram(json: histograms["same_class"]),
            let other = SimilarityHistogram(json: histograms["other_class"]),
            let penalties = json["penalties"]?.array?.map(PenaltyProfile.init(json:)),
            !nearest.contains(nil), !penalties.contains(nil)
        else { return nil }
        self.init(
            imageCount: Int(count), dim: Int(dim), uniformity: uniformity,
            tolerance: json["tolerance"]?.number, alignment: json["alignment"]?.number,
            positiveSimilarity: json["positive_similarity"]?.number,
            negativeSimilarity: negative, nearestSimilarities: nearest.compactMap(\.self),
            positives: SimilarityHistogram(json: histograms["positives"]), sameClass: same,
            otherClass: other, penalties: penalties.compactMap(\.self))
    }
}

extension SimilarityHistogram {
    fileprivate init?(json: JSONValue?) {
        guard let counts = json?.array?.map(\.integer), !counts.contains(nil) else { return nil }
        self.init(counts: counts.compactMap { $0.map(Int.init) })
    }
}

extension PenaltyProfile {
    fileprivate init?(json: JSONValue) {
        guard let temperature = json["temperature"]?.number,
            let entropy = json["entropy"]?.number,
            let nearest = json["nearest"]?.array?.map(NearestShare.init(json:)),
            let bins = json["by_similarity"]?.array?.compactMap(\.number),
            bins.count == SimilarityHistogram.binCount, !nearest.contains(nil)
        else { return nil }
        let hardest = json["hardest"]?.integer.map(Int.init)
        self.init(
            loss: Loss(temperature: temperature, hardest: hardest), entropy: entropy,
            nearest: nearest.compactMap(\.self), bySimilarity: bins)
    }
}

extension PenaltyProfile.NearestShare {
    fileprivate init?(json: JSONValue) {
        guard let count = json["count"]?.integer, let share = json["share"]?.number else {
            return nil
        }
        self.init(count: Int(count), share: share)
    }
}
