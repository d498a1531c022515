public import Clustering
public import Datasets

/// The centers that are nearest to an image's embedding.
public struct ImageCenters: Sendable, Hashable {
    /// One of them.
    public struct Neighbour: Sendable, Hashable {
        /// Its number.
        public var center: Int
        /// The cosine of its row and the image's embedding.
        public var cosine: Float
        /// Its place among the image's labels, counted from 0; nil if it is none of them.
        public var label: Int?
    }

    /// The image's number.
    public let image: Int
    /// The image's class by the data set.
    public let classNumber: Int
    /// The image's centers by the clustering, most similar first; empty for an image that was not
    /// clustered.
    public let labels: [Int]
    /// The nearest centers, the nearest first.
    public let nearest: [Neighbour]

    /// What was found for one of a survey's queries.
    ///
    /// - Parameters:
    ///   - found: the survey's ranking.
    ///   - query: the image's place among its queries.
    ///   - isClustered: whether the data set is the one that the labels are of.
    public init(
        _ image: Int, of dataset: ImageDataset, query: Int, in found: RowRanking,
        centers: InspectedCenters, isClustered: Bool
    ) throws(InspectionError) {
        if isClustered { try centers.check(dataset) }
        let labels = isClustered ? try centers.labels(of: image) : []
        self.image = image
        classNumber = dataset.label(image)
        self.labels = labels
        nearest = found.rows(of: query).map { row, score in
            Neighbour(center: row, cosine: score, label: labels.firstIndex(of: row))
        }
    }
}
