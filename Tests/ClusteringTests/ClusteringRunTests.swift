@testable import Clustering
import Foundation
import Storage
import Tensors
import Testing

struct ClusteringRunTests {
    private static let cells = SearchMethod.cells(
        CellSettings(clusterCount: 120, cells: 12, probes: 3))

    @Test(arguments: [nil, 300], [SearchMethod.exact, cells])
    func `a run goes on from its stored state as if never stopped`(
        _ batch: Int?, _ search: SearchMethod
    ) throws {
        let path = NSTemporaryDirectory() + "/state-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }  // only temporary
        let samples = try Samples(blobs(count: 1500, dim: 9, clusters: 50, spread: 0.7))
        let settings = ClusteringSettings(
            clusterCount: 120, iterations: 7, batchCount: batch, search: search)
        let origin = [("features", "abc"), ("seed", "0")].map { (key: $0.0, value: $0.1) }
        var whole = try ClusteringRun(samples, settings: settings, threads: 1)
        while try whole.advance() != nil {}
        var run = try ClusteringRun(samples, settings: settings, threads: 2)
        for _ in 0..<3 { _ = try run.advance() }
        try run.state.write(to: path, origin: origin)
        let stored = try ClusteringState.read(from: path, origin: origin)
        #expect(stored.iteration == 3 && stored.objectives.count == 3)
        var rest = try ClusteringRun(
            samples, settings: settings, resuming: stored, threads: 3)
        while try rest.advance() != nil {}
        #expect(rest.state.objectives == whole.state.objectives)
        #expect(rest.state.centers.isBitIdentical(to: whole.state.centers))
        let (one, two) = (try whole.result(), try rest.result())
        let same = one.labels.labels == two.labels.labels
        #expect(same)
    }

    @Test func `the state of another clustering is refused by what differs`() throws {
        let path = NSTemporaryDirectory() + "/state-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }  // only temporary
        let samples = try Samples(blobs(count: 50, dim: 3, clusters: 5))
        let run = try ClusteringRun(
            samples, settings: ClusteringSettings(clusterCount: 4), threads: 1)
        try run.state.write(to: path, origin: [("seed", "0"), ("features", "abc")])
        let error = #expect(throws: StorageError.self) {
            try ClusteringState.read(from: path, origin: [("seed", "0"), ("features", "xyz")])
        }
        #expect(error?.description.contains("features abc") == true)
        var bytes = try LocalFileSystem().readFile(path, upTo: 1 << 20)
        bytes[bytes.count - 3] ^= 4
        try LocalFileSystem().writeFileDurably(path, bytes)
        #expect(throws: StorageError.self) { try ClusteringState.read(from: path, origin: []) }
    }

    @Test func `a meter that is told so stops a run between two slices, and it can go on`() throws {
        let samples = try Samples(blobs(count: 3000, dim: 9, clusters: 50, spread: 0.7))
        let settings = ClusteringSettings(clusterCount: 500, iterations: 5)
        let meter = WorkMeter()
        var run = try ClusteringRun(samples, settings: settings, threads: 2, meter: meter)
        _ = try run.advance()
        meter.stop()
        #expect(throws: ClusteringError.stopped) { try run.advance() }
        #expect(run.iteration == 1 && meter.reading.iterations == 1)
        var other = try ClusteringRun(
            samples, settings: settings, resuming: run.state, threads: 1)
        while try other.advance() != nil {}
        var whole = try ClusteringRun(samples, settings: settings, threads: 1)
        while try whole.advance() != nil {}
        #expect(other.state.centers.isBitIdentical(to: whole.state.centers))
    }

    @Test func `a run ends where nothing changes any more`() throws {
        let samples = try Samples(blobs(count: 400, dim: 4, clusters: 3, spread: 0.1))
        var run = try ClusteringRun(
            samples, settings: ClusteringSettings(clusterCount: 3, iterations: 500), threads: 1)
        var last: KMeansIteration?
        while let done = try run.advance() { last = done }
        #expect(last?.isConverged == true && run.iteration < 100)
        let result = try run.result()
        #expect(result.objectives.count == run.iteration)
        #expect(abs(result.meanSimilarity - (result.objectives.last ?? 0)) < 1e-5)
    }

    @Test func `seeds decide the first centers, and nothing else does`() throws {
        let samples = try Samples(blobs(count: 400, dim: 4, clusters: 30, spread: 0.5))
        func first(_ seed: UInt64, _ threads: Int) throws -> Tensor {
            try ClusteringRun(
                samples, settings: ClusteringSettings(clusterCount: 20, seed: seed),
                threads: threads
            ).state.centers
        }
        #expect(try first(1, 1).isBitIdentical(to: try first(1, 3)))
        #expect(try !first(1, 1).isBitIdentical(to: try first(2, 1)))
    }

    @Test func `mini-batches come near to what all samples give`() throws {
        let x = blobs(count: 5000, dim: 10, clusters: 40, spread: 0.4)
        var settings = ClusteringSettings(clusterCount: 60, iterations: 12)
        let all = try #require(try cluster(x, settings: settings, threads: 2))
        (settings.batchCount, settings.iterations) = (500, 60)
        let some = try #require(try cluster(x, settings: settings, threads: 2))
        #expect(some.meanSimilarity > all.meanSimilarity - 0.02)
        #expect(some.report.emptyCount <= all.report.emptyCount + 6)
    }

    @Test(arguments: [(1000, 100), (130, 64), (64, 200), (5, 1)])
    func `each pass goes over every sample once, in an order of its own`(_ n: Int, _ batch: Int) {
        let order = BatchOrder(sampleCount: n, batchCount: batch, seed: 5)
        var passes: [[Int32]] = []
        for pass in 0..<2 {
            let batches = (0..<order.batchesPerPass).map {
                order.samples(of: pass * order.batchesPerPass + $0)
            }
            #expect(batches.joined().sorted() == (0..<Int32(n)).map { $0 })
            #expect(batches.allSatisfy { !$0.isEmpty && $0 == $0.sorted() })
            passes.append(Array(batches.joined()))
        }
        if n == 1000 { #expect(passes[0] != passes[1]) }
        #expect(order.endsPass(order.batchesPerPass - 1))
    }
}

struct SplitTests {
    @Test func `empty clusters take half of drawn ones, in proportion to their members`() throws {
        var centers = Tensor((0..<40).map { Float($0 / 2 + 1) }, shape: [20, 2])
        let counts = [50, 0, 0, 0, 30] + [Int](repeating: 1, count: 15)
        var after = counts
        let refilled = try refillEmptyClusters(
            &centers, counts: &after, sampleCount: 95, iteration: 0, draws: .counter(seed: 3))
        #expect(refilled == 3 && after.reduce(0, +) == 95)
        #expect(after.allSatisfy { $0 > 0 })
        // Only the large ones can have been split, and a center is shared out by 1 +- 1/1024.
        for cluster in 1...3 {
            let value = centers.span[2 * cluster]
            let sources: [Float] = [1, 5]
            #expect(sources.contains { abs(value / $0 - 1) < 0.004 })
        }
        #expect((5..<20).allSatisfy { centers.span[2 * $0] == Float($0 + 1) })
    }

    @Test func `many empty clusters are refilled in a moment`() throws {
        let k = 200_000
        var counts = [Int](repeating: 0, count: k)
        for cluster in 0..<(k / 2) { counts[cluster] = 2 + cluster % 3 }
        var centers = Tensor(repeating: 1, shape: [k, 1])
        let before = counts.reduce(0, +)
        let refilled = try refillEmptyClusters(
            &centers, counts: &counts, sampleCount: before, iteration: 4,
            draws: .counter(seed: 1))
        #expect(refilled == k / 2 && counts.reduce(0, +) == before)
        let isFull = counts.allSatisfy { $0 > 0 }
        #expect(isFull)
    }

    @Test func `a weighted draw finds the place in the sum`() {
        var weights = [3, 0, 1, 0, 0, 5, 2]
        var draw = WeightedDraw(weights: weights)
        for round in 0..<3 {
            let expanded = weights.indices.flatMap { index in
                [Int](repeating: index, count: weights[index])
            }
            #expect(draw.total == expanded.count)
            #expect(expanded.indices.map { draw.index(at: $0) } == expanded)
            weights[round] = 4 - round
            draw.set(round, to: 4 - round)
        }
    }
}

struct SamplesTests {
    @Test func `samples of several files are read as one matrix, and prepared`() throws {
        let folder = NSTemporaryDirectory() + "/samples-" + UUID().uuidString
        try LocalFileSystem().createDirectory(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // only temporary
        let x = blobs(count: 5000, dim: 6, clusters: 8, spread: 0.5)
        let cuts = [0, 1700, 1701, 5000]
        var files: [MatrixFile] = []
        for part in 0..<3 {
            let path = "\(folder)/\(part).npy"
            try NPYFile.write(x.rows(cuts[part]..<cuts[part + 1]), to: path)
            files.append(try MatrixFile(mapping: path))
        }
        let raw = try Samples(files)
        let survey = try SampleSurvey(raw, threads: 3)
        #expect(survey.mean == columnMeans(x))
        for (centred, unit) in [(false, false), (true, false), (false, true), (true, true)] {
            let preparation = FeaturePreparation(centred: centred, unitLength: unit)
            let samples = raw.prepared(preparation, survey: survey)
            let wanted = preparation.applied(to: x)
            var found = Tensor(uninitialized: [4000, 6])
            readRows(900..<4900, of: samples, into: &found)
            #expect(found.isBitIdentical(to: wanted.rows(900..<4900)))
            let some = samples.tensor(of: [4999, 0, 1700])
            for (place, row) in [4999, 0, 1700].enumerated() {
                let (one, other) = (some.rows(place..<(place + 1)), wanted.rows(row..<(row + 1)))
                #expect(one.isBitIdentical(to: other))
            }
        }
        let settings = ClusteringSettings(clusterCount: 30, iterations: 3)
        let samples = raw.prepared(FeaturePreparation(), survey: survey)
        var run = try ClusteringRun(samples, settings: settings, threads: 2)
        while try run.advance() != nil {}
        let memory = try cluster(
            FeaturePreparation().applied(to: x), settings: settings, threads: 1)
        #expect(try run.result().centers.isBitIdentical(to: try #require(memory).centers))
    }

    @Test func `files with other columns, and samples that are not finite, are named`() throws {
        var values = blobs(count: 5000, dim: 3, clusters: 2).values
        values[3 * 4500 + 1] = .infinity
        let error = #expect(throws: ClusteringError.self) {
            try SampleSurvey(try Samples(Tensor(values, shape: [5000, 3])), threads: 2)
        }
        #expect(error == .notFinite(sample: 4500))
        let disk = SimulatedDisk()
        try NPYFile.write(Tensor(zeros: [2, 3]), to: "/a.npy", fileSystem: disk)
        try NPYFile.write(Tensor(zeros: [2, 4]), to: "/b.npy", fileSystem: disk)
        let mixed = #expect(throws: ClusteringError.self) {
            try Samples(
                ["/a.npy", "/b.npy"].map { try MatrixFile(mapping: $0, fileSystem: disk) })
        }
        #expect(mixed?.description.contains("/b.npy has 4") == true)
    }

    @Test func `what a survey calls samples follows from their bytes`() throws {
        let x = blobs(count: 300, dim: 3, clusters: 2)
        var y = x
        var output = y.mutableSpan
        output[500] = output[500].nextUp
        let names = try [x, x, y].map { try SampleSurvey(try Samples($0), threads: 1).digest }
        #expect(names[0] == names[1] && names[0] != names[2])
    }
}
