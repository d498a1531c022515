import ArgumentParser
import Datasets
import Evaluation
import Inspection
import Tables
import Tensors

/// `pleiad table`: what the table of centers of a run looks like.
struct TableCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "table",
        abstract: "Look at a run's table of centers: rows, occupancy, lengths, nearest centers.",
        discussion: """
            Reads a checkpoint and the labels; nothing is changed, and a coordinator may be \
            running on the directory. The table is read from the disk a block at a time, so it \
            may be larger than memory.

            Occupancy counts the samples of each center: by first label, and by all labels. Rows \
            never drawn are those that no step has used yet: they have their first values. \
            --image embeds an image with the checkpoint's network and finds its nearest centers \
            by cosine among all rows.

            Examples:
              pleiad table runs/quick
              pleiad table runs/quick --image 17 --image 4711 --nearest 5
              pleiad table runs/quick --image 3 --test
              pleiad table runs/quick --json | jq '.never_drawn.rows'

            See also: docs/inspection.md; pleiad gallery.
            """)

    @OptionGroup
    var source: InspectionSource

    @Option(help: "Find the nearest centers of this image, counted from 0; several may be named.")
    var image: [Int] = []

    @Flag(help: "Images are numbered among the test images instead of the training images.")
    var test = false

    @Option(help: "Nearest centers of an image.")
    var nearest = 8

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...1000).contains(nearest) else {
            throw ValidationError("--nearest must be between 1 and 1000.")
        }
        guard image.count <= 1000 else { throw ValidationError("At most 1000 --image.") }
        if test, image.isEmpty { throw ValidationError("--test belongs to --image.") }
    }

    func run() throws {
        let table = try WorkLine.during(report)
        print(json ? table.json : table.text)
    }

    private func report(_ meter: PassMeter) throws -> TableReport {
        let inspected = try source.opened()
        let centers = inspected.centers
        var images: ImageDataset?
        var queries: Tensor?
        if !image.isEmpty {
            let (train, testImages) = try inspected.images()
            let dataset = test ? testImages : train
            queries = try unitEmbeddings(of: image, in: dataset, by: inspected.extractor)
            images = dataset
        }
        let survey = try TableSurvey(
            centers.table, queries: queries, depth: nearest, threads: coreCount, meter: meter)
        var found: [ImageCenters] = []
        if let images, let ranking = survey.nearest {
            for (query, image) in image.enumerated() {
                found.append(
                    try ImageCenters(
                        image, of: images, query: query, in: ranking, centers: centers,
                        isClustered: !test))
            }
        }
        return TableReport(inspected, norms: NormReport(survey.norms), images: found)
    }
}
