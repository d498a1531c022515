import Clustering
import Inspection
import Storage
import Tables

/// What a run's table of centers looks like, for people and as JSON.
struct TableReport {
    let inspected: InspectedRun
    let norms: NormReport
    let images: [ImageCenters]
    /// The rows that were never drawn, rising.
    let neverDrawn: [Int]

    /// Rows that are named one by one, at most.
    static let namedMax = 20
    /// The longest bar of a histogram.
    private static let barWidth = 40

    init(_ inspected: InspectedRun, norms: NormReport, images: [ImageCenters]) {
        (self.inspected, self.norms, self.images) = (inspected, norms, images)
        neverDrawn = inspected.centers.table.neverDrawn
    }

    /// Some lines.
    var text: String {
        let (centers, table) = (inspected.centers, inspected.centers.table)
        var lines = [inspected.title]
        lines.append(
            "table of centers: \(grouped(table.rowCount)) rows x \(table.dim), "
                + "\(grouped(table.byteCount >> 10)) KiB with optimizer state, "
                + "\(grouped(table.updates)) updates")
        lines.append(drawn)
        lines.append("")
        lines.append("by first label: \(centers.firstReport)")
        lines.append("  cluster sizes: \(centers.firstReport.sizesText)")
        if centers.labels.perSample > 1 {
            lines.append("by all \(centers.labels.perSample) labels: \(centers.allReport)")
            lines.append("  cluster sizes: \(centers.allReport.sizesText)")
        }
        lines.append("")
        lines += lengths
        for image in images { lines += [""] + Self.lines(of: image, centers) }
        return lines.joined(separator: "\n")
    }

    private var drawn: String {
        let table = inspected.centers.table
        let share = decimals(100 * Double(neverDrawn.count) / Double(table.rowCount), 2)
        var text =
            "drawn: \(grouped(table.drawnCount)) rows, never drawn: \(grouped(neverDrawn.count)) "
            + "(\(share) %)"
        if !neverDrawn.isEmpty {
            let named = neverDrawn.prefix(Self.namedMax).map { "\($0)" }.joined(separator: ", ")
            text += ": \(named)" + (neverDrawn.count > Self.namedMax ? ", ..." : "")
        }
        return text
    }

    private var lengths: [String] {
        var lines = [
            "lengths of rows: from \(significant(Double(norms.least))) to "
                + "\(significant(Double(norms.greatest))), median "
                + "\(significant(Double(norms.median))), mean \(significant(norms.mean))"
        ]
        if norms.notFiniteCount > 0 {
            lines.append("NOT FINITE: \(grouped(norms.notFiniteCount)) rows")
        }
        let most = norms.histogram.map(\.rows).max() ?? 0
        lines += columns(
            norms.histogram.map { bin in
                let bar = (Self.barWidth * bin.rows + most - 1) / max(most, 1)
                return [
                    "  \(significant(bin.from))", "to \(significant(bin.to))", grouped(bin.rows),
                    String(repeating: "#", count: bar),
                ]
            })
        return lines
    }

    private static func lines(of image: ImageCenters, _ centers: InspectedCenters) -> [String] {
        var head = "image \(image.image), class \(image.classNumber)"
        if !image.labels.isEmpty {
            head += ", labels \(image.labels.map { "\($0)" }.joined(separator: ", "))"
        }
        let rows = image.nearest.enumerated().map { place, near in
            [
                "  \(place + 1).", "center \(near.center)",
                "cosine \(decimals(Double(near.cosine), 4))",
                counted(centers.firstCounts[near.center], "sample"),
                near.label.map { "its label \($0 + 1)" } ?? "",
            ]
        }
        return [head] + columns(rows)
    }

    /// The same for programs.
    var json: String { TableDocument(self).json }
}

extension ClusterReport {
    /// How many clusters have which sizes, on one line.
    var sizesText: String {
        sizes.map { size in
            let range = size.from == size.to ? "\(size.from)" : "\(size.from)-\(size.to)"
            return "\(range): \(grouped(size.clusters))"
        }.joined(separator: ", ")
    }

    /// How many clusters have which sizes.
    var sizes: [ClusterSizes] {
        occupancy.enumerated().map { place, count in
            let sizes = Self.sizes(at: place)
            return ClusterSizes(from: sizes.lowerBound, to: sizes.upperBound, clusters: count)
        }
    }
}

/// Clusters with so many samples.
struct ClusterSizes: Encodable {
    let from: Int
    let to: Int
    let clusters: Int
}
