internal import Clustering
public import Datasets
public import Evaluation
internal import Kernels
internal import Storage
internal import Tables
internal import Tensors

/// Some centers of a run, each with the images whose embeddings are nearest to it by cosine: what
/// a person looks at to see what the clusters mean.
public struct Gallery: Sendable {
    /// A center with its images.
    public struct Wall: Sendable {
        /// The center's number.
        public var center: Int
        /// Samples whose first label it is.
        public var firstCount: Int
        /// Samples that have it among their labels.
        public var allCount: Int
        /// The length of its row.
        public var norm: Float
        /// Whether a step has ever used the row; if not, it has its first values.
        public var isDrawn: Bool
        /// The nearest images, the nearest first.
        public var images: [Exhibit]

        /// The most frequent class among the images, the lowest of equally frequent ones, and how
        /// many are of it; nil without images.
        public var commonClass: (classNumber: Int, count: Int)? {
            let classes = Set(images.map(\.classNumber)).sorted()
            let counts = classes.map { number in images.count { $0.classNumber == number } }
            guard let most = counts.max(), let place = counts.firstIndex(of: most) else {
                return nil
            }
            return (classes[place], most)
        }
    }

    /// An image near a center.
    public struct Exhibit: Sendable {
        /// The image's number.
        public var image: Int
        /// Its class by the data set.
        public var classNumber: Int
        /// The cosine of its embedding and the center.
        public var cosine: Float
        /// The center's place among the image's labels, counted from 0; nil if it is none of them.
        public var label: Int?
    }

    /// The centers, in the order in which they were asked for.
    public let walls: [Wall]
    /// Labels of each sample.
    public let labelsPerSample: Int
    private let images: ImageDataset

    /// Longest side of an image here.
    static let sideMax = 112

    /// Embeds all images, a batch a thread at a time, and keeps the nearest of each center.
    ///
    /// - Parameters:
    ///   - choice: the centers that are shown.
    ///   - depth: images of each center.
    ///   - images: those that the run was trained on.
    ///   - extractor: the network of the same checkpoint.
    public init(
        of choice: CenterChoice, _ inspected: InspectedCenters, depth: Int, images: ImageDataset,
        extractor: FeatureExtractor, meter: PassMeter
    ) throws(InspectionError) {
        try inspected.check(images)
        let centers = try choice.centers(counts: inspected.firstCounts)
        let rows: Tensor
        do throws(StorageError) {
            rows = try inspected.table.rows(numbered: centers)
        } catch {
            throw .file(error)
        }
        labelsPerSample = inspected.labels.perSample
        self.images = images
        guard !centers.isEmpty else {
            walls = []
            return
        }
        let norms = rowNorms(rows)
        let queries = RowRanking(of: rows.unitRows(), depth: min(depth, images.count))
        let parts = try meter.pass(
            "embedding images", over: extractor.batches(of: images), threads: extractor.threads
        ) { batch throws(InspectionError) in
            let embeddings = extractor.embedded(batch, of: images).embeddings
            return queries.ranked(embeddings.unitRows(), first: batch.lowerBound)
        }
        var nearest = queries
        for part in parts { nearest.merge(part) }
        var walls: [Wall] = []
        for (query, center) in centers.enumerated() {
            var exhibits: [Exhibit] = []
            for (image, cosine) in nearest.rows(of: query) {
                let labels = try inspected.labels(of: image)
                exhibits.append(
                    Exhibit(
                        image: image, classNumber: images.label(image), cosine: cosine,
                        label: labels.firstIndex(of: center)))
            }
            walls.append(
                Wall(
                    center: center, firstCount: inspected.firstCounts[center],
                    allCount: inspected.allCounts[center], norm: norms[query],
                    isDrawn: inspected.table.isDrawn(center), images: exhibits))
        }
        self.walls = walls
    }

    /// An image that is shown, small.
    func picture(of exhibit: Exhibit) -> Picture {
        Picture(of: exhibit.image, in: images, sideMax: Self.sideMax)
    }

    /// The longest side of the pictures.
    var pictureSide: Int {
        let step = (max(images.width, images.height) + Self.sideMax - 1) / Self.sideMax
        return (max(images.width, images.height) + step - 1) / step
    }
}
