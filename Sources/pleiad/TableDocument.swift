import Clustering
import Inspection
import Storage
import Tables

/// A table's report as `--json` prints it.
struct TableDocument: JSONDocument {
    let directory: String
    let run: String
    let method: String
    let step: Int
    let rows: Int
    let dim: Int
    let bytes: Int
    let updates: Int
    let neverDrawn: NeverDrawn
    let occupancy: Occupancy
    let norms: Norms
    let images: [Image]

    /// Rows that no step has used.
    struct NeverDrawn: Encodable {
        let rows: Int
        /// The first of them.
        let first: [Int]
    }

    /// Samples by center.
    struct Occupancy: Encodable {
        let samples: Int
        let labels: Int
        let first: Spread
        let all: Spread
    }

    /// How evenly they are spread, as `pleiad cluster` reports it.
    struct Spread: Encodable {
        let empty: Int
        let median: Int
        let largest: Int
        let imbalance: Double
        let sizes: [ClusterSizes]

        init(_ report: ClusterReport) {
            (empty, median, largest) = (report.emptyCount, report.median, report.largest)
            (imbalance, sizes) = (report.imbalance, report.sizes)
        }
    }

    /// Lengths of rows.
    struct Norms: Encodable {
        let least: Float
        let greatest: Float
        let median: Float
        let mean: Double
        let notFinite: Int
        let histogram: [Bin]

        struct Bin: Encodable {
            let from: Double
            let to: Double
            let rows: Int
        }

        enum CodingKeys: String, CodingKey {
            case least, greatest, median, mean, histogram
            case notFinite = "not_finite"
        }
    }

    /// An image with its nearest centers.
    struct Image: Encodable {
        let image: Int
        let classNumber: Int
        let labels: [Int]
        let nearest: [Neighbour]

        struct Neighbour: Encodable {
            let center: Int
            let cosine: Float
            let samples: Int
            /// Its place among the image's labels, counted from 1.
            let label: Int?
        }

        enum CodingKeys: String, CodingKey {
            case image, labels, nearest
            case classNumber = "class"
        }
    }

    enum CodingKeys: String, CodingKey {
        case directory, run, method, step, rows, dim, bytes, updates, occupancy, norms, images
        case neverDrawn = "never_drawn"
    }

    init(_ report: TableReport) {
        let (inspected, centers) = (report.inspected, report.inspected.centers)
        directory = inspected.directory
        run = inspected.name
        method = inspected.method
        step = inspected.step
        rows = centers.table.rowCount
        dim = centers.table.dim
        bytes = centers.table.byteCount
        updates = centers.table.updates
        neverDrawn = NeverDrawn(
            rows: report.neverDrawn.count,
            first: Array(report.neverDrawn.prefix(TableReport.namedMax)))
        occupancy = Occupancy(
            samples: centers.labels.sampleCount, labels: centers.labels.perSample,
            first: Spread(centers.firstReport), all: Spread(centers.allReport))
        let lengths = report.norms
        norms = Norms(
            least: lengths.least, greatest: lengths.greatest, median: lengths.median,
            mean: lengths.mean, notFinite: lengths.notFiniteCount,
            histogram: lengths.histogram.map {
                Norms.Bin(from: $0.from, to: $0.to, rows: $0.rows)
            })
        images = report.images.map { image in
            Image(
                image: image.image, classNumber: image.classNumber, labels: image.labels,
                nearest: image.nearest.map { near in
                    Image.Neighbour(
                        center: near.center, cosine: near.cosine,
                        samples: centers.firstCounts[near.center], label: near.label.map { $0 + 1 })
                })
        }
    }
}
