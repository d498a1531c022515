import Inspection
import Storage

/// What a gallery shows, for people and as JSON.
struct GalleryReport {
    let out: [String]
    let inspected: InspectedRun
    let gallery: Gallery

    /// A line a center.
    var text: String {
        let rows = gallery.walls.map { Self.row($0) }
        let head = "\(out.joined(separator: ", ")): \(inspected.title)"
        return ([head] + columns(rows)).joined(separator: "\n")
    }

    private static func row(_ wall: Gallery.Wall) -> [String] {
        var cells = ["center \(wall.center)", counted(wall.firstCount, "sample")]
        guard let nearest = wall.images.first, let common = wall.commonClass else {
            return cells + ["no image", "", ""]
        }
        cells.append("nearest image \(nearest.image)")
        cells.append("cosine \(decimals(Double(nearest.cosine), 4))")
        cells.append("\(common.count) of \(wall.images.count) of class \(common.classNumber)")
        return cells
    }

    /// The same for programs.
    var json: String { GalleryDocument(self).json }
}

/// A gallery as `--json` prints it.
private struct GalleryDocument: JSONDocument {
    let out: [String]
    let run: String
    let step: Int
    let centers: [Center]

    struct Center: Encodable {
        let center: Int
        let samples: Int
        let norm: Float
        let drawn: Bool
        let images: [Image]
    }

    struct Image: Encodable {
        let image: Int
        let classNumber: Int
        let cosine: Float
        /// The center's place among the image's labels, counted from 1.
        let label: Int?

        enum CodingKeys: String, CodingKey {
            case image, cosine, label
            case classNumber = "class"
        }
    }

    init(_ report: GalleryReport) {
        out = report.out
        run = report.inspected.name
        step = report.inspected.step
        centers = report.gallery.walls.map { wall in
            Center(
                center: wall.center, samples: wall.firstCount, norm: wall.norm,
                drawn: wall.isDrawn,
                images: wall.images.map {
                    Image(
                        image: $0.image, classNumber: $0.classNumber, cosine: $0.cosine,
                        label: $0.label.map { $0 + 1 })
                })
        }
    }
}
