import ArgumentParser
import Datasets
import Inspection
import Storage

/// `pleiad gallery`: what the centers of a run mean, to look at.
struct GalleryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gallery",
        abstract: "Show centers of a run, each with its nearest images, as a page or a picture.",
        discussion: """
            Embeds all training images with the checkpoint's network and keeps, for each center \
            shown, the images of the highest cosine to it. A page (.html) stands alone: pictures \
            lie in it, nothing is loaded. A picture (.png) has a row a center, its number before \
            it. Marked images have the center among their labels.

            Centers are spread over the order of their sizes, from the largest to the smallest; \
            with --seed they are drawn; --center names them. Nothing of the run is changed, and a \
            coordinator may be running on it.

            Examples:
              pleiad gallery runs/quick --centers 24 --out gallery.html
              pleiad gallery runs/quick --seed 1 --out gallery.html --out gallery.png
              pleiad gallery runs/quick --center 17,256 --nearest 40 --out two.html --json

            See also: docs/inspection.md; pleiad table.
            """)

    @OptionGroup
    var source: InspectionSource

    @Option(help: "The file to write, .html or .png; both may be named.")
    var out: [String]

    @Option(help: "Centers that are shown, at most.")
    var centers = 24

    @Option(help: "Show these centers, such as 17,256.", transform: centerNumbers)
    var center: [Int]?

    @Option(help: "Images of each center, at most.")
    var nearest = 12

    @Option(help: "Draw the centers under this seed. Default: spread over their sizes.")
    var seed: UInt64?

    @Flag(help: "Print what is shown as JSON.")
    var json = false

    func validate() throws {
        guard (1...Self.centersMax).contains(centers), (1...Self.nearestMax).contains(nearest)
        else {
            throw ValidationError(
                "--centers must be between 1 and \(Self.centersMax), --nearest between 1 and "
                    + "\(Self.nearestMax).")
        }
        if center != nil, seed != nil {
            throw ValidationError("--center and --seed exclude each other.")
        }
        for file in out where GalleryFile(file) == nil {
            throw ValidationError("'\(file)' ends neither in .html nor in .png.")
        }
    }

    /// The page is held in memory.
    private static let centersMax = 1000
    private static let nearestMax = 100

    private var choice: CenterChoice {
        if let center { return .named(center) }
        return seed.map { .drawn(centers, seed: $0) } ?? .spread(centers)
    }

    func run() throws {
        for file in out { try checkFolder(of: file) }
        let (inspected, gallery, caption) = try WorkLine.during { meter in
            let inspected = try source.opened()
            let images = try inspected.images().train
            let gallery = try Gallery(
                of: choice, inspected.centers, depth: nearest, images: images,
                extractor: inspected.extractor, meter: meter)
            return (
                inspected, gallery,
                GalleryPage.Caption(
                    run: inspected.name, method: inspected.method, step: inspected.step,
                    images: images.name)
            )
        }
        for file in out {
            try GalleryFile(file)?.write(gallery, caption, of: inspected.centers)
        }
        let report = GalleryReport(out: out, inspected: inspected, gallery: gallery)
        print(json ? report.json : report.text)
    }
}

/// Numbers of centers between commas.
private func centerNumbers(_ text: String) throws -> [Int] {
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard !numbers.contains(where: { ($0 ?? -1) < 0 }), numbers.count <= 1000 else {
        throw ValidationError("'\(text)' is no list of centers such as 17,256.")
    }
    return numbers.compactMap(\.self)
}

/// A file that a gallery is written to.
private struct GalleryFile {
    private let path: String
    private let isPage: Bool

    /// Nil if the name says neither page nor picture.
    init?(_ path: String) {
        let ending = fileEnding(of: path)
        isPage = ending == "html" || ending == "htm"
        guard isPage || ending == "png" else { return nil }
        self.path = path
    }

    /// Writes it; after a crash the old or the new file is there.
    func write(
        _ gallery: Gallery, _ caption: GalleryPage.Caption, of centers: InspectedCenters
    ) throws {
        let bytes =
            isPage
            ? Array(try GalleryPage(gallery, caption, of: centers).html.utf8)
            : try ContactSheet(gallery).picture.png()
        try LocalFileSystem().writeFileDurably(path, bytes)
    }
}
