import Clustering
import Evaluation
import Datasets
import Foundation
import Methods
import Storage
import Tensors
import Testing

@testable import Inspection

@Suite struct GalleryTests {
    private static let caption = GalleryPage.Caption(
        run: "a <b> & 'c'", method: "mlcd", step: 1234, images: "noise/train")

    private func gallery(
        _ made: MadeCenters, _ choice: CenterChoice, depth: Int = 6, threads: Int = 2
    ) throws -> Gallery {
        try Gallery(
            of: choice, made.inspected(), depth: depth, images: made.images,
            extractor: made.extractor(threads: threads), meter: PassMeter())
    }

    @Test func `a center's images are the nearest of all by a search by hand`() throws {
        let made = try MadeCenters()
        let centers = [7, 16_499, 2, 16_384]
        let walls = try gallery(made, .named(centers)).walls
        #expect(walls.map(\.center) == centers)
        let (all, rows) = (
            MadeCenters.unit(made.extractor()(made.images).embeddings), made.unitRows
        )
        for wall in walls {
            let cosines = MadeCenters.cosines(rows[wall.center], all)
            let best = cosines.indices.sorted { cosines[$0] > cosines[$1] }.prefix(6)
            #expect(wall.images.map(\.image) == Array(best))
            for exhibit in wall.images {
                #expect(abs(Double(exhibit.cosine) - cosines[exhibit.image]) < 1e-5)
                #expect(exhibit.classNumber == exhibit.image % 10)
                let own = made.labels[(2 * exhibit.image)..<(2 * exhibit.image + 2)]
                #expect(exhibit.label == own.firstIndex(of: Int32(wall.center)).map { $0 % 2 })
            }
            #expect(wall.isDrawn == (wall.center % 5 != 2))
        }
    }

    @Test func `threads decide nothing`() throws {
        let made = try MadeCenters()
        let (one, three) = (
            try gallery(made, .spread(5), threads: 1), try gallery(made, .spread(5), threads: 3)
        )
        let inspected = try made.inspected()
        #expect(
            try GalleryPage(one, Self.caption, of: inspected).html
                == GalleryPage(three, Self.caption, of: inspected).html)
    }

    @Test func `the page holds every center and image in words, and loads nothing`() throws {
        let made = try MadeCenters()
        let gallery = try gallery(made, .spread(9), depth: 4)
        let html = try GalleryPage(gallery, Self.caption, of: made.inspected()).html
        #expect(gallery.walls.count == 9)
        for wall in gallery.walls {
            #expect(html.contains("<h2 id=\"center-\(wall.center)\">Center \(wall.center)</h2>"))
            for exhibit in wall.images {
                #expect(html.contains("alt=\"Image \(exhibit.image), class "))
            }
        }
        let pictures = html.components(separatedBy: "<img ").dropFirst()
        #expect(pictures.count == 9 * 4)
        for picture in pictures {
            #expect(picture.hasPrefix("src=\"data:image/png;base64,iVBORw0KGgo"))
            #expect(picture.contains(" alt=\"Image "))
        }
        let text = html.replacing(/base64,[A-Za-z0-9+\/=]*/, with: "")
        for word in [
            "http:", "https:", "//", "url(", "@import", "<script", "<link", "javascript",
            "src=\"/", "href=",
        ] {
            #expect(!text.contains(word), "\(word)")
        }
        #expect(html.contains("prefers-color-scheme: dark"))
        #expect(html.contains("Centers of a &lt;b&gt; &amp; &#39;c&#39; after 1234 steps"))
        #expect(!html.contains("<b>"))
        // Whatever is opened is closed.
        for tag in ["html", "head", "body", "main", "section", "h1", "h2", "p", "ol", "li"] {
            let opened =
                html.components(separatedBy: "<\(tag)>").count
                + html.components(separatedBy: "<\(tag) ").count - 1
            #expect(opened == html.components(separatedBy: "</\(tag)>").count, "\(tag)")
        }
    }

    @Test func `the sheet has each center's images in its row`() throws {
        let made = try MadeCenters()
        let gallery = try gallery(made, .named([3, 16_400]), depth: 5)
        let sheet = try ContactSheet(gallery).picture
        let images = gallery.walls.flatMap { $0.images.map(\.image) }
        #expect(images.count == 10)
        // The top left pixel of every image, twice enlarged, at even distances.
        let (cell, gap, bar) = (56, 6, 3)
        let margin = 6 + 5 * 4 * 3 + 6
        #expect(sheet.width == margin + 5 * (cell + gap))
        #expect(sheet.height == 2 * (cell + bar + 2 * gap))
        for (place, image) in images.enumerated() {
            let x = margin + place % 5 * (cell + gap)
            let y = place / 5 * (cell + bar + 2 * gap) + gap
            for (dx, dy) in [(0, 0), (1, 1), (55, 0), (20, 55)] {
                let pixel = made.images.pixels[image * 784 + dy / 2 * 28 + dx / 2]
                let at = 3 * ((y + dy) * sheet.width + x + dx)
                #expect(sheet.pixels[at..<(at + 3)].allSatisfy { $0 == pixel })
            }
        }
        // Something is written before each row.
        for row in 0..<2 {
            var dark = 0
            for y in (row * 71 + 6)..<(row * 71 + 6 + cell) {
                for x in 0..<margin where sheet.pixels[3 * (y * sheet.width + x)] < 50 { dark += 1 }
            }
            #expect(dark >= 9 * 7)
        }
    }

    @Test func `centers are spread from the largest to the smallest that has samples`() throws {
        let counts = [0, 5, 1, 9, 0, 5, 3]
        #expect(try CenterChoice.spread(3).centers(counts: counts) == [3, 5, 2])
        #expect(try CenterChoice.spread(1).centers(counts: counts) == [3])
        #expect(try CenterChoice.spread(5).centers(counts: counts) == [3, 1, 5, 6, 2])
        #expect(try CenterChoice.spread(6).centers(counts: counts) == [3, 1, 5, 6, 2, 0])
        #expect(try CenterChoice.spread(99).centers(counts: counts).count == 7)
        let many = (0..<5000).map { 1 + $0 % 37 }
        let chosen = try CenterChoice.spread(24).centers(counts: many)
        #expect(Set(chosen).count == 24 && many[chosen[0]] == 37 && many[chosen[23]] == 1)
    }

    @Test func `drawn centers have samples and follow from the seed`() throws {
        let counts = (0..<300).map { $0 % 3 }
        let one = try CenterChoice.drawn(20, seed: 1).centers(counts: counts)
        #expect(one.count == 20 && Set(one).count == 20 && one.allSatisfy { counts[$0] > 0 })
        #expect(try CenterChoice.drawn(20, seed: 1).centers(counts: counts) == one)
        #expect(try CenterChoice.drawn(20, seed: 2).centers(counts: counts) != one)
        #expect(try CenterChoice.drawn(20, seed: 2).centers(counts: [0, 4]) == [1])
    }

    @Test func `a center that is not there is refused by name`() throws {
        for center in [-1, 4] {
            #expect(throws: InspectionError.noCenter(center, count: 4)) {
                try CenterChoice.named([0, center]).centers(counts: [1, 1, 1, 1])
            }
        }
    }
}
