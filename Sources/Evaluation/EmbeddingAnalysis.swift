internal import Kernels
public import Tensors

/// What a loss has done to the space of embeddings (Wang and Liu, CVPR 2021; sheet contrastive,
/// section 5).
///
/// Positives are two views of one image, negatives the plain images two by two. All figures are of
/// embeddings at unit length.
public struct EmbeddingAnalysis: Hashable, Sendable {
    /// Temperatures that the paper compares.
    public static let temperatures = [0.07, 0.3, 0.7, 1.0]
    /// Nearest others whose similarities are averaged rank by rank, at most.
    static let nearestMax = 10
    /// Anchors of the penalties at most: each is sorted against all images.
    static let anchorsMax = 1000

    /// Two random views of every image.
    public struct Views: Sendable {
        let one: Tensor
        let other: Tensor

        /// The embeddings `[n, D]` of both, of any length.
        public init(_ one: Tensor, _ other: Tensor) {
            precondition(one.shape == other.shape, "views \(one.shape) and \(other.shape)")
            (self.one, self.other) = (one, other)
        }
    }

    /// Images.
    public var imageCount: Int
    /// D, the length of an embedding.
    public var dim: Int
    /// U = -log mean e^(-2 |f_i - f_j|^2): larger is more uniform.
    public var uniformity: Double
    /// The mean similarity of two images of one class; nil if no two are of one class.
    public var tolerance: Double?
    /// The mean |f - f'|^2 of two views of an image; nil without views.
    public var alignment: Double?
    /// The mean similarity of two views of an image; nil without views.
    public var positiveSimilarity: Double?
    /// The mean similarity of two images.
    public var negativeSimilarity: Double
    /// The mean similarity of an image with the nearest other one, the second nearest, ...
    public var nearestSimilarities: [Double]
    /// Similarities of two views of an image; nil without views.
    public var positives: SimilarityHistogram?
    /// Similarities of two images of one class.
    public var sameClass: SimilarityHistogram
    /// Similarities of two images of different classes.
    public var otherClass: SimilarityHistogram
    /// How the push is divided, by loss.
    public var penalties: [PenaltyProfile]

    /// An analysis of these figures.
    public init(
        imageCount: Int, dim: Int, uniformity: Double, tolerance: Double?, alignment: Double?,
        positiveSimilarity: Double?, negativeSimilarity: Double, nearestSimilarities: [Double],
        positives: SimilarityHistogram?, sameClass: SimilarityHistogram,
        otherClass: SimilarityHistogram, penalties: [PenaltyProfile]
    ) {
        self.imageCount = imageCount
        self.dim = dim
        self.uniformity = uniformity
        self.tolerance = tolerance
        self.alignment = alignment
        self.positiveSimilarity = positiveSimilarity
        self.negativeSimilarity = negativeSimilarity
        self.nearestSimilarities = nearestSimilarities
        self.positives = positives
        self.sameClass = sameClass
        self.otherClass = otherClass
        self.penalties = penalties
    }

    /// Measures embeddings.
    ///
    /// - Parameters:
    ///   - embeddings: of the plain images, `[n, D]` of any length, finite, n at least 2.
    ///   - labels: the class of each, not negative.
    ///   - views: two random views of the same images, where there are any.
    ///   - losses: what is asked about how the push is divided.
    ///   - threads: without influence on the result.
    public init(
        of embeddings: Tensor, labels: [Int], views: Views?, losses: [PenaltyProfile.Loss],
        threads: Int
    ) {
        precondition(
            embeddings.shape.rank == 2 && embeddings.shape[0] > 1
                && embeddings.shape[0] == labels.count,
            "embeddings \(embeddings.shape) with \(labels.count) labels")
        let f = embeddings.unitRows()
        let n = labels.count
        imageCount = n
        dim = f.shape[1]
        uniformity = -uniformityLoss(of: f, threads: threads)
        tolerance = Tolerance(of: f, labels: labels)?.meanOfSameClass
        // All in one class: every pair counts, and with two images there is one.
        negativeSimilarity =
            Tolerance(of: f, labels: [Int](repeating: 0, count: n))?.meanOfSameClass ?? 0
        nearestSimilarities = meanNearestSimilarities(
            of: f, ranks: min(Self.nearestMax, n - 1), threads: threads)
        (sameClass, otherClass) = SimilarityHistogram.ofPairs(
            of: f, labels: labels, threads: threads)
        penalties = PenaltyProfile.profiles(
            of: losses, embeddings: f, anchors: min(Self.anchorsMax, n), threads: threads)
        guard let views else {
            (alignment, positiveSimilarity, positives) = (nil, nil, nil)
            return
        }
        let (one, other) = (views.one.unitRows(), views.other.unitRows())
        let pairs = Alignment(of: one, and: other)
        alignment = pairs.meanSquaredDistance
        positiveSimilarity = pairs.meanSimilarity
        positives = SimilarityHistogram(of: rowDots(one, other))
    }

    /// How much nearer a view of the same image lies than the nearest other image; nil without
    /// views.
    public var separation: Double? {
        guard let nearest = nearestSimilarities.first else { return nil }
        return positiveSimilarity.map { $0 - nearest }
    }
}

/// The inner product of each row with the same row of another matrix.
@inline(never)
private func rowDots(_ one: Tensor, _ other: Tensor) -> [Float] {
    let d = one.shape[1]
    return (0..<one.shape[0]).map { row in
        let range = (row * d)..<((row + 1) * d)
        return Vector.dot(one.span.extracting(range), other.span.extracting(range))
    }
}
