import Datasets
import Evaluation
import Foundation
import Methods
import Networks
import Plots
import RunFiles
import Storage
import Tables
import Tensors
import Testing

@testable import Inspection

@Suite struct RunAnalysisTests {
    private static func images(_ name: String, count: Int, seed: UInt64) -> ImageDataset {
        let random = CounterRandom(seed: seed, stream: .test)
        return ImageDataset(
            name: name, channels: 1, height: 28, width: 28, classCount: 3,
            pixels: (0..<(count * 784)).map { UInt8(random.bits(at: $0) & 255) },
            labels: (0..<count).map { UInt8($0 % 3) },
            statistics: ChannelStatistics(mean: [0.5], deviation: [0.3]),
            manifest: DataManifest(entries: []))
    }

    private static let train = images("noise/train", count: 90, seed: 1)
    private static let test = images("noise/test", count: 40, seed: 2)

    private static func plan(_ method: String, _ section: String) throws -> RunPlan {
        try RunPlan(
            text: """
                method: \(method)
                name: "a <b>"
                steps: 10
                batch: {samples: 8, slices: 2}
                network: {kind: conv, widths: [4, 8]}
                \(method): {\(section)}
                """, file: "run.yaml")
    }

    private static let contrastive = "loss: hard, hardest: 30, temperature: 0.2, dim: 6"

    private static func extractor(
        _ plan: RunPlan, threads: Int = 2, parameters: Tensor? = nil
    ) throws -> FeatureExtractor {
        let layout = plan.method.layout
        return FeatureExtractor(
            network: try #require(plan.method.imageNetwork),
            parameters: parameters ?? layout.initialised(seed: 7),
            buffers: layout.initialisedBuffers(), threads: threads)
    }

    private static func analysis(
        _ method: String = "contrastive", _ section: String = contrastive, threads: Int = 2
    ) throws -> RunAnalysis {
        let plan = try plan(method, section)
        return try RunAnalysis(
            of: plan, extractor: extractor(plan, threads: threads), step: 4, train: train,
            test: test)
    }

    @Test func `an analysis is of the held-out images' embeddings`() throws {
        let analysis = try Self.analysis()
        let plan = try Self.plan("contrastive", Self.contrastive)
        let extractor = try Self.extractor(plan)
        let f = extractor(Self.test).embeddings.unitRows()
        #expect(analysis.embedding.uniformity == -uniformityLoss(of: f, threads: 1))
        #expect(analysis.embedding.imageCount == 40 && analysis.embedding.dim == 6)
        #expect(analysis.space == .embeddings && analysis.images == "noise/test")
        #expect(analysis == (try Self.analysis(threads: 1)))
        let measure = RepresentationProtocol()
        let (bank, queries) = (extractor(Self.train), extractor(Self.test))
        func labelled(
            _ features: Tensor, _ images: ImageDataset
        ) -> RepresentationProtocol.LabelledFeatures {
            .init(features: features, labels: images.labels.map(Int.init))
        }
        #expect(
            analysis.accuracies.knn
                == measure.nearestNeighbours(
                    bank: labelled(bank.embeddings, Self.train),
                    queries: labelled(queries.embeddings, Self.test), classCount: 3, threads: 1))
        #expect(
            analysis.accuracies.featureKNN
                == measure.nearestNeighbours(
                    bank: labelled(bank.features, Self.train),
                    queries: labelled(queries.features, Self.test), classCount: 3, threads: 1))
    }

    /// A bank of random rows, one a training image or as many as said, as a checkpoint has it.
    private static func memoryBank(rows count: Int = 90) throws -> (InspectedBank, Tensor) {
        let bank = MemoryBank(MemoryBank.Settings(rowCount: count, dim: 6, seed: 8))
        let (disk, path) = (SimulatedDisk(), "/tables.safetensors")
        try SafetensorsFile.write(
            bank.entries(prefix: "bank"), metadata: [], to: path, fileSystem: disk)
        let inspected = try InspectedBank(
            #require(plan("contrastive", contrastive).method.memoryBank),
            tables: StreamedSafetensors(path, fileSystem: disk))
        return (inspected, bank.allRows)
    }

    @Test func `the monitor asks the bank about the held-out images`() throws {
        let plan = try Self.plan("contrastive", Self.contrastive)
        let (bank, rows) = try Self.memoryBank()
        #expect(bank.rows.isBitIdentical(to: rows))
        let extractor = try Self.extractor(plan)
        let analysis = try RunAnalysis(
            of: plan, extractor: extractor, step: 4, train: Self.train, test: Self.test,
            memoryBank: bank)
        // 90 rows are fewer than 200 neighbours: all vote.
        let votes = NeighbourScores(
            queries: extractor(Self.test).embeddings.unitRows(), bank: rows,
            labels: Self.train.labels.map(Int.init), classCount: 3, neighbours: 90, sigma: 0.07,
            threads: 1)
        #expect(analysis.accuracies.bankKNN == votes.accuracy(Self.test.labels.map(Int.init)))
        // Nothing else has changed.
        var without = analysis
        without.accuracies.bankKNN = nil
        #expect(without == (try Self.analysis()))
        #expect(without.json["knn_bank"] == .null)
        #expect(RunAnalysis(json: try JSONValue(parsing: analysis.json.text)) == analysis)
        #expect(analysis.figures.contains { $0.meaning.contains("in the bank") })
        let disk = SimulatedDisk()
        try disk.createDirectory("/run")
        try analysis.write(to: "/run", fileSystem: disk)
        let evaluation = try EvaluationRecord.all(in: "/run", fileSystem: disk)[0]
        #expect(evaluation["knn.bank_top1"] == analysis.accuracies.bankKNN)
    }

    @Test func `a bank of other images is refused`() throws {
        let plan = try Self.plan("contrastive", Self.contrastive)
        let (bank, _) = try Self.memoryBank(rows: 89)
        let error = #expect(throws: InspectionError.self) {
            try RunAnalysis(
                of: plan, extractor: Self.extractor(plan), step: 1, train: Self.train,
                test: Self.test, memoryBank: bank)
        }
        #expect(error == .otherBank(name: "noise/train", images: 90, rows: 89))
        #expect(error?.isBadInput == true)
    }

    @Test func `views are those of training, two of each image`() throws {
        let plan = try Self.plan("contrastive", Self.contrastive)
        let extractor = try Self.extractor(plan)
        let views = try #require(plan.method.imageViews)
        func view(_ number: Int) -> Tensor {
            let images = Self.test.randomResizedCropFlip(
                Array(0..<40), dataEpoch: 0, view: number, seed: plan.settings.seed,
                settings: views)
            return extractor(images: images).embeddings.unitRows()
        }
        let expected = Alignment(of: view(0), and: view(1)).meanSquaredDistance
        #expect(expected > 1e-6)
        #expect(try Self.analysis().embedding.alignment == expected)
    }

    @Test func `the run's own loss is asked about beside the paper's temperatures`() throws {
        let analysis = try Self.analysis()
        // 30 of 90 rows are a third, which of 39 negatives is 13.
        #expect(
            analysis.embedding.penalties.map(\.loss) == [
                .init(temperature: 0.07), .init(temperature: 0.2, hardest: 13),
                .init(temperature: 0.3), .init(temperature: 0.7), .init(temperature: 1),
            ])
        #expect(analysis.ownPenalty == 1)
        let known = RunAnalysis.losses(.init(temperature: 0.3), rows: 90, negatives: 39)
        #expect(known.losses.count == 4 && known.own == 1)
        let hot = RunAnalysis.losses(.init(temperature: 5), rows: 90, negatives: 39)
        #expect(hot.losses.count == 5 && hot.own == 4)
        for none in [nil, InstanceContrast(temperature: nil, hardest: 3)] {
            let losses = RunAnalysis.losses(none, rows: 90, negatives: 39)
            #expect(losses.losses.count == 4 && losses.own == nil)
        }
    }

    @Test func `of logits the features are analysed`() throws {
        let analysis = try Self.analysis("fine-tuning", "classes: 3")
        #expect(analysis.space == .features && analysis.embedding.dim == 8)
        #expect(analysis.accuracies.knn == analysis.accuracies.featureKNN)
        #expect(analysis.ownPenalty == nil && analysis.embedding.alignment != nil)
    }

    @Test(arguments: ["contrastive", "mlcd", "fine-tuning"])
    func `what JSON shows is the analysis`(method: String) throws {
        let section = [
            "contrastive": Self.contrastive, "mlcd": "dim: 6, centers: 12, positives: 2",
            "fine-tuning": "classes: 3",
        ]
        var analysis = try Self.analysis(method, section[method] ?? "")
        #expect(RunAnalysis(json: try JSONValue(parsing: analysis.json.text)) == analysis)
        analysis.step = nil
        #expect(RunAnalysis(json: analysis.json) == analysis)
        for key in ["uniformity", "tolerance", "alignment", "knn", "linear"] {
            #expect(analysis.json[key]?.number != nil, "\(key)")
        }
        #expect(RunAnalysis(json: ["run": "a"]) == nil)
    }

    @Test func `it is kept in a state directory, and a flipped byte is found`() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("/run")
        #expect(try RunAnalysis.read(step: 4, in: "/run", fileSystem: disk) == nil)
        let analysis = try Self.analysis()
        try analysis.write(to: "/run", fileSystem: disk)
        #expect(try RunAnalysis.read(step: 4, in: "/run", fileSystem: disk) == analysis)
        let evaluation = try EvaluationRecord.all(in: "/run", fileSystem: disk)[0]
        #expect(evaluation["knn.embedding_top1"] == analysis.accuracies.knn)
        #expect(evaluation["knn.top1"] == analysis.accuracies.featureKNN)
        #expect(evaluation["linear.top1"] == analysis.accuracies.linear)
        let path = "/run/analyses/step-4.json"
        var bytes = try disk.readFile(path, upTo: 1 << 20)
        bytes[100] ^= 1
        try disk.writeFileDurably(path, bytes)
        #expect(throws: InspectionError.self) {
            try RunAnalysis.read(step: 4, in: "/run", fileSystem: disk)
        }
        try disk.writeSealedObject(path, ["run": "a"])
        #expect(throws: InspectionError.self) {
            try RunAnalysis.read(step: 4, in: "/run", fileSystem: disk)
        }
    }

    @Test func `the page stands alone`() throws {
        let analysis = try Self.analysis()
        let html = AnalysisPage(analysis).html
        #expect(html == AnalysisPage(try Self.analysis(threads: 1)).html)
        #expect(html.contains("<h1>Embeddings of a &lt;b&gt;, step 4</h1>"))
        #expect(html.contains("default-src 'none'") && !html.contains("<b>"))
        let words = html.replacing("http://www.w3.org/2000/svg", with: "")
        for asset in ["http:", "https:", "<script", "<link", "<img", "url("] {
            #expect(!words.contains(asset), "\(asset)")
        }
        for chart in [
            "similarities", "local separation", "who is pushed, by similarity",
            "who is pushed, by rank",
        ] { #expect(html.contains(">\(chart)</text>"), "\(chart)") }
        #expect(html.contains("<td>\(fixed(analysis.embedding.uniformity, 4))</td>"))
        #expect(html.contains("τ = 0.2, nearest 13 (the run&#39;s own)"))
        for tag in ["table", "caption", "tr", "th", "td", "svg", "g", "div"] {
            let opened =
                html.components(separatedBy: "<\(tag)>").count
                + html.components(separatedBy: "<\(tag) ").count - 1
            #expect(opened == html.components(separatedBy: "</\(tag)>").count, "\(tag)")
        }
    }

    @Test func `what cannot be analysed is refused`() throws {
        let plan = try Self.plan("contrastive", Self.contrastive)
        let one = Self.images("one", count: 1, seed: 3)
        #expect(throws: InspectionError.fewImages(name: "one", count: 1)) {
            try RunAnalysis(
                of: plan, extractor: Self.extractor(plan), step: 1, train: Self.train, test: one)
        }
        let wild = Tensor(repeating: .nan, shape: [plan.method.layout.flatCount])
        #expect(throws: InspectionError.notFinite(rows: 40, of: "noise/test")) {
            try RunAnalysis(
                of: plan, extractor: Self.extractor(plan, parameters: wild), step: 1,
                train: Self.train, test: Self.test)
        }
    }
}
