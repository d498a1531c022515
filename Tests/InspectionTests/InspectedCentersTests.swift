import Clustering
import Datasets
import Inspection
import Methods
import Networks
import RunFiles
import Storage
import Tensors
import Testing

@Suite struct InspectedCentersTests {
    @Test func `samples are counted by first label and by all`() throws {
        let made = try MadeCenters()
        let centers = try made.inspected()
        var first = [Int](repeating: 0, count: MadeCenters.rowCount)
        var all = first
        for (place, label) in made.labels.enumerated() {
            all[Int(label)] += 1
            if place % 2 == 0 { first[Int(label)] += 1 }
        }
        #expect(centers.firstCounts == first && centers.allCounts == all)
        let report = centers.firstReport
        #expect(report.sampleCount == 450 && report.clusterCount == MadeCenters.rowCount)
        #expect(report.emptyCount == first.count { $0 == 0 })
        #expect(report.largest == first.max())
        #expect(centers.allReport.sampleCount == 900)
    }

    /// A change of the tables' file, and what is said about it.
    private static let forgeries: [(change: MadeCenters.Forgery, words: String)] = [
        ({ $0.removeAll { $0.name == "centers.rows.1" } }, "no tensor 'centers.rows.1'"),
        ({ set(&$0, "centers.rows.1", .f32(Tensor(zeros: [115, 8]))) }, "[115, 8]"),
        ({ set(&$0, "centers.rows.0", .f32(Tensor(zeros: [16_384, 9]))) }, "[16384, 9]"),
        ({ set(&$0, "centers.rows.0", .i64([1])) }, "is I64"),
        ({ set(&$0, "centers.touched", .i64([0, -1])) }, "names row -1"),
        ({ set(&$0, "centers.touched", .i64([5, 16_500])) }, "names row 16500"),
        ({ set(&$0, "centers.touched", .i64([5, 6, 5])) }, "names row 5"),
        ({ set(&$0, "centers.touched", .i64([5, 6], dims: [1, 2])) }, "has 2 axes"),
        ({ set(&$0, "centers.touched", .f32(Tensor(zeros: [3]))) }, "is F32"),
        ({ $0.removeAll { $0.name == "centers.touched" } }, "no tensor 'centers.touched'"),
        ({ set(&$0, "centers.updates", .i64([1, 2])) }, "not one count"),
        ({ set(&$0, "centers.updates", .i64([-3])) }, "not one count"),
        ({ $0.removeAll { $0.name == "labels.digest" } }, "no tensor 'labels.digest'"),
    ]

    @Test(arguments: forgeries.indices)
    func `a table that is none of the run's is refused, with the array's name`(
        index: Int
    ) throws {
        let (change, words) = Self.forgeries[index]
        let made = try MadeCenters(imageCount: 10, forgeTables: change)
        let error = #expect(throws: InspectionError.self) { try made.inspected() }
        #expect("\(try #require(error))".contains(words), "\(String(describing: error))")
        #expect("\(try #require(error))".contains(MadeCenters.tablesPath))
    }

    @Test func `labels that are none are refused`() throws {
        let forgeries: [(MadeCenters.Forgery, String)] = [
            ({ set(&$0, "labels", .i32([0, 1, 2])) }, "has labels [3]"),
            ({ set(&$0, "labels", .i32([], dims: [0, 2])) }, "has labels [0, 2]"),
            ({ set(&$0, "labels", .f32(Tensor(zeros: [10, 2]))) }, "is F32"),
            ({ $0 = [SafetensorsEntry("centers", .f32(Tensor(zeros: [2, 2])))] }, "no tensor"),
            ({ set(&$0, "labels", .i32([5, 16_500], dims: [1, 2])) }, "the label 16500"),
            ({ set(&$0, "labels", .i32([5, -1], dims: [1, 2])) }, "the label -1"),
        ]
        for (change, words) in forgeries {
            let made = try MadeCenters(imageCount: 10, forgeLabels: change)
            let error = #expect(throws: InspectionError.self) { try made.inspected() }
            #expect("\(try #require(error))".contains(words), "\(String(describing: error))")
        }
    }

    @Test func `labels of another run are told apart by their digest`() throws {
        let made = try MadeCenters(imageCount: 10) { _ in
        } forgeLabels: {
            set(&$0, "labels", .i32([Int32](repeating: 4, count: 20), dims: [10, 2]))
        }
        #expect(throws: InspectionError.otherLabels(path: "/run/labels.safetensors")) {
            try made.inspected()
        }
    }

    @Test func `a directory without labels says which file is missing`() throws {
        let made = try MadeCenters(imageCount: 10)
        try made.disk.removeFile("/run/labels.safetensors")
        #expect(
            throws: InspectionError.file(.missing(path: "/run/labels.safetensors"))
        ) { try made.inspected() }
    }

    @Test func `a method without a table says so`() throws {
        let made = try MadeCenters(imageCount: 10)
        let method = Tableless(inner: made.plan.method)
        let error = #expect(throws: InspectionError.noCenters(method: "tableless")) {
            try InspectedCenters(
                of: method, tables: made.tables(), directory: "/run", fileSystem: made.disk)
        }
        #expect(error?.isBadInput == true)
        #expect("\(try #require(error))".contains("'tableless' has no table of centers"))
    }

    @Test func `other images than those labelled are refused`() throws {
        let made = try MadeCenters()
        #expect(
            throws: InspectionError.otherData(name: "noise/train", images: 9, labelled: 450)
        ) {
            try Gallery(
                of: .spread(2), made.inspected(), depth: 2, images: made.images.prefix(9),
                extractor: made.extractor(), meter: PassMeter())
        }
    }
}

/// Puts another value in place of an array's.
private func set(_ entries: inout [SafetensorsEntry], _ name: String, _ value: SafetensorsValue) {
    for index in entries.indices where entries[index].name == name {
        entries[index].value = value
    }
}

/// A method that has everything but a table.
private struct Tableless: Method {
    static let name = "tableless"
    let inner: any Method

    init(inner: any Method) { self.inner = inner }
    init(sections: RunSections, settings: RunSettings) {
        inner = MLCD(sections: sections, settings: settings)
    }
    var layout: ParameterLayout { inner.layout }
    var exchanges: [ExchangeRound] { inner.exchanges }
    var sumNames: [String] { inner.sumNames }
    func problem(with input: NamedTensors, round: Int, samples: Int) -> String? {
        inner.problem(with: input, round: round, samples: samples)
    }
    func makeWorker(dataset: ImageDataset, seed: UInt64) -> any WorkerMethod {
        inner.makeWorker(dataset: dataset, seed: seed)
    }
    func makeCoordinator(
        dataset: ImageDataset, settings: RunSettings
    ) -> any CoordinatorMethod {
        inner.makeCoordinator(dataset: dataset, settings: settings)
    }
    var imageNetwork: EmbeddingNetwork? { inner.imageNetwork }
}
