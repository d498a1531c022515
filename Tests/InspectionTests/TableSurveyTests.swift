import Clustering
import Evaluation
import Inspection
import Methods
import Storage
import Tables
import Tensors
import Testing

@Suite struct TableSurveyTests {
    @Test func `lengths are those of all rows, whatever the threads`() throws {
        let made = try MadeCenters()
        let table = try made.inspected().table
        let values = made.table.allRows.values
        let wanted = (0..<MadeCenters.rowCount).map { row in
            values[(row * 8)..<((row + 1) * 8)].reduce(0.0) { $0 + Double($1) * Double($1) }
                .squareRoot()
        }
        let one = try TableSurvey(table, threads: 1, meter: PassMeter()).norms
        #expect(one.count == wanted.count)
        #expect(zip(one, wanted).allSatisfy { abs(Double($0) - $1) <= 1e-6 * $1 })
        #expect(try TableSurvey(table, threads: 3, meter: PassMeter()).norms == one)
    }

    @Test func `rows that were never drawn are those that no update has touched`() throws {
        let made = try MadeCenters()
        let table = try made.inspected().table
        #expect(table.drawnCount == made.drawn.count)
        #expect(table.neverDrawn == (0..<MadeCenters.rowCount).filter { $0 % 5 == 2 })
        #expect(table.isDrawn(1) && !table.isDrawn(2))
        #expect(table.updates == 1)
        let floats = (MadeCenters.rowCount + made.drawn.count) * MadeCenters.dim
        #expect(table.byteCount == 4 * floats + 8 * (made.drawn.count + 1))
    }

    @Test(arguments: [0..<1, 16_380..<16_390, 16_384..<16_500, 7..<7, 0..<16_500])
    func `rows come from whatever chunk they lie in`(range: Range<Int>) throws {
        let made = try MadeCenters()
        let table = try made.inspected().table
        #expect(try table.rows(range).isBitIdentical(to: made.table.allRows.rows(range)))
        let numbers = range.prefix(20).map { $0 }
        #expect(
            try table.rows(numbered: numbers).isBitIdentical(
                to: made.table.allRows.rows(range.lowerBound..<(range.lowerBound + numbers.count))))
    }

    @Test func `nearest centers are those of a search by hand, the same bits on any threads`()
        throws
    {
        let made = try MadeCenters()
        let table = try made.inspected().table
        let images = [3, 201, 449]
        let queries = try unitEmbeddings(of: images, in: made.images, by: made.extractor())
        let all = MadeCenters.unit(made.extractor()(made.images).embeddings)
        let survey = try TableSurvey(
            table, queries: queries, depth: 7, threads: 2, meter: PassMeter())
        let alone = try TableSurvey(
            table, queries: queries, depth: 7, threads: 1, meter: PassMeter())
        let found = try #require(survey.nearest)
        let rows = made.unitRows
        for (query, image) in images.enumerated() {
            let cosines = MadeCenters.cosines(all[image], rows)
            let best = cosines.indices.sorted { cosines[$0] > cosines[$1] }.prefix(7)
            let nearest = found.rows(of: query)
            #expect(nearest.map(\.row) == Array(best))
            for (row, score) in nearest { #expect(abs(Double(score) - cosines[row]) < 1e-5) }
            let again = try #require(alone.nearest?.rows(of: query))
            #expect(nearest.elementsEqual(again) { $0 == $1 })
        }
    }

    @Test func `an image tells which of its labels are near`() throws {
        let made = try MadeCenters()
        let centers = try made.inspected()
        let extractor = made.extractor()
        let queries = try unitEmbeddings(of: [11], in: made.images, by: extractor)
        let survey = try TableSurvey(
            centers.table, queries: queries, depth: MadeCenters.rowCount, threads: 2,
            meter: PassMeter())
        let ranking = try #require(survey.nearest)
        let near = try ImageCenters(
            11, of: made.images, query: 0, in: ranking, centers: centers, isClustered: true)
        #expect(near.labels == made.labels[22..<24].map { Int($0) })
        #expect(near.classNumber == 1)
        #expect(near.nearest.count == MadeCenters.rowCount)
        for (place, label) in near.labels.enumerated() {
            #expect(near.nearest.first { $0.center == label }?.label == place)
        }
        #expect(near.nearest.count { $0.label != nil } == 2)
        let other = try ImageCenters(
            11, of: made.images, query: 0, in: ranking, centers: centers, isClustered: false)
        #expect(other.labels.isEmpty && other.nearest.allSatisfy { $0.label == nil })
    }

    @Test func `a number of no image is refused by name`() throws {
        let made = try MadeCenters()
        for image in [-1, 450] {
            #expect(throws: InspectionError.noImage(image, of: "noise/train", count: 450)) {
                try unitEmbeddings(of: [0, image], in: made.images, by: made.extractor())
            }
        }
    }

    @Test func `a pass that was told to stop stops`() throws {
        let made = try MadeCenters()
        let (centers, meter) = (try made.inspected(), PassMeter())
        meter.stop()
        #expect(throws: InspectionError.stopped) {
            try TableSurvey(centers.table, threads: 2, meter: meter)
        }
        #expect(throws: InspectionError.stopped) {
            try Gallery(
                of: .spread(3), centers, depth: 2, images: made.images,
                extractor: made.extractor(), meter: meter)
        }
    }

    @Test func `a meter says how far the pass is`() throws {
        let meter = PassMeter()
        #expect(meter.reading.total == 0)
        _ = try TableSurvey(try MadeCenters().inspected().table, threads: 2, meter: meter)
        #expect(meter.reading.done == MadeCenters.rowCount)
        #expect(meter.reading.total == MadeCenters.rowCount)
    }
}
