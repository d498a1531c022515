import Clustering
import Foundation
import Plots
import Tables

/// A gallery as one HTML page that stands alone: pictures lie in it, and nothing is loaded from
/// anywhere.
///
/// It follows the reader's choice of light or dark, needs no scripts, and describes pictures in
/// words.
public struct GalleryPage: Sendable {
    /// What the page is about.
    public struct Caption: Sendable {
        /// The run's name.
        public var run: String
        /// The method's name.
        public var method: String
        /// Steps that were committed.
        public var step: Int
        /// The data set's name.
        public var images: String

        /// A caption of these words.
        public init(run: String, method: String, step: Int, images: String) {
            self.run = run
            self.method = method
            self.step = step
            self.images = images
        }
    }

    /// The page.
    public let html: String

    /// The page of a gallery.
    ///
    /// - Throws: `InspectionError.noPicture` if a picture cannot be encoded.
    public init(
        _ gallery: Gallery, _ caption: Caption, of inspected: InspectedCenters
    ) throws(InspectionError) {
        let title = "Centers of \(escaped(caption.run)) after \(caption.step) steps"
        var lines = Self.introduction(gallery, caption, inspected)
        for wall in gallery.walls {
            lines += try Self.section(wall, of: gallery)
        }
        html = standalonePage(escapedTitle: title, style: Self.style, body: lines)
    }

    private static func introduction(
        _ gallery: Gallery, _ caption: Caption, _ inspected: InspectedCenters
    ) -> [String] {
        let report = inspected.firstReport
        return [
            "<p>Method \(escaped(caption.method)), images \(escaped(caption.images)). "
                + "\(gallery.walls.count) of \(report.clusterCount) centers, each with the images "
                + "whose embeddings have the highest cosine to it. A number under an image is "
                + "that cosine; a ring around an image says that the center is one of the "
                + "image's \(gallery.labelsPerSample) labels by the clustering.</p>",
            "<p>Of all centers, by first label: \(report.emptyCount) empty, median "
                + "\(report.median) samples, largest \(report.largest), imbalance factor "
                + "\(fixed(report.imbalance, 2)); \(inspected.table.drawnCount) were drawn.</p>",
        ]
    }

    private static func section(
        _ wall: Gallery.Wall, of gallery: Gallery
    ) throws(InspectionError) -> [String] {
        let name = "center-\(wall.center)"
        var facts = "\(wall.firstCount) samples by first label"
        if gallery.labelsPerSample > 1 {
            facts += ", \(wall.allCount) by all \(gallery.labelsPerSample)"
        }
        facts += "; row of length \(fixed(Double(wall.norm), 3))"
        facts += wall.isDrawn ? "" : ", never drawn"
        let labelled = wall.images.count { $0.label != nil }
        facts += "; \(labelled) of \(wall.images.count) images have the center as a label"
        if let common = wall.commonClass {
            facts += ", \(common.count) are of class \(common.classNumber)"
        }
        var lines = [
            "<section aria-labelledby=\"\(name)\">",
            "<h2 id=\"\(name)\">Center \(wall.center)</h2>",
            "<p>\(facts).</p>", "<ol>",
        ]
        for exhibit in wall.images { lines.append(try item(exhibit, of: gallery)) }
        lines += ["</ol>", "</section>"]
        return lines
    }

    private static func item(
        _ exhibit: Gallery.Exhibit, of gallery: Gallery
    ) throws(InspectionError) -> String {
        let data = Data(try gallery.picture(of: exhibit).png()).base64EncodedString()
        let cosine = fixed(Double(exhibit.cosine), 3)
        let label = exhibit.label.map { ", has the center as label \($0 + 1)" } ?? ""
        let words =
            "Image \(exhibit.image), class \(exhibit.classNumber), cosine \(cosine)\(label)"
        let ring = exhibit.label == nil ? "" : " class=\"labelled\""
        return "<li\(ring)><img src=\"data:image/png;base64,\(data)\" alt=\"\(words)\" "
            + "title=\"\(words)\" width=\"84\" height=\"84\"><span>\(cosine)</span></li>"
    }

    private static let style = """
        section { border-top: 1px solid var(--line); padding: 1rem 0 0.5rem; }
        ol { list-style: none; display: flex; flex-wrap: wrap; gap: 0.6rem; margin: 0; padding: 0; }
        li { display: flex; flex-direction: column; align-items: center; }
        li span { font-size: 0.8rem; color: var(--soft); font-variant-numeric: tabular-nums; }
        img { display: block; object-fit: contain; image-rendering: pixelated; padding: 2px;
          border: 3px solid transparent; border-radius: 4px; }
        .labelled img { border-color: var(--ring); }
        """
}
