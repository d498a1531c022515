import Synchronization
import Tensors
import Testing

@testable import Clustering

/// Nearest centers that are found elsewhere, part by part.
@Suite struct AssignmentTests {
    /// Hands parts of each order out to several searches, another way each time.
    private final class Parts: CenterAssigner {
        private let searches: [AssignmentSearch]
        private let turn = Mutex(0)

        init(_ samples: Samples, _ settings: ClusteringSettings, count: Int) {
            searches = (0..<count).map { _ in
                AssignmentSearch(samples, settings: settings, threads: 1)
            }
        }

        func nearest(_ order: AssignmentOrder) -> NearestCenters {
            let turn = turn.withLock { turn -> Int in
                defer { turn += 1 }
                return turn
            }
            var (centers, scores) = ([Int32](), [Float]())
            for (place, units) in parts(of: order.units, 2 + turn % 3).enumerated() {
                let part = AssignmentOrder(
                    stage: order.stage, centers: order.centers, centroids: order.centroids,
                    depth: order.depth, units: units)
                // Some parts stay with their search for a while, others wander.
                let search = searches[(turn / 3 * place + place) % searches.count]
                let found = search.nearest(part) {}
                centers += found.centers
                scores += found.scores
            }
            return NearestCenters(depth: order.depth, centers: centers, scores: scores)
        }

        private func parts(of units: [Int], _ count: Int) -> [[Int]] {
            (0..<count).map {
                Array(units[($0 * units.count / count)..<(($0 + 1) * units.count / count)])
            }.filter { !$0.isEmpty }
        }
    }

    private static let cells = SearchMethod.cells(
        CellSettings(clusterCount: 400, cells: 20, probes: 3))

    @Test(arguments: [
        ClusteringSettings(clusterCount: 400, iterations: 7),
        ClusteringSettings(clusterCount: 400, iterations: 7, spherical: false),
        ClusteringSettings(clusterCount: 30, iterations: 4, labelsPerSample: 3),
        ClusteringSettings(clusterCount: 400, iterations: 5, search: cells),
        ClusteringSettings(clusterCount: 50, iterations: 9, batchCount: 700),
        ClusteringSettings(
            clusterCount: 400, iterations: 6, spherical: false, batchCount: 1500, search: cells),
    ])
    func `whoever finds which part, the clustering is the same to the last bit`(
        _ settings: ClusteringSettings
    ) throws {
        let samples = try Samples(blobs(count: 5100, dim: 13, clusters: 60, spread: 0.6))
        var (alone, parted) = (
            try ClusteringRun(samples, settings: settings, threads: 2),
            try ClusteringRun(
                samples, settings: settings, threads: 2,
                assigner: Parts(samples, settings, count: 3))
        )
        while try alone.advance() != nil {}
        while try parted.advance() != nil {}
        #expect(parted.iteration == alone.iteration)
        #expect(parted.state.centers.isBitIdentical(to: alone.state.centers))
        #expect(parted.state.objectives == alone.state.objectives)
        let (one, other) = (try alone.result(), try parted.result())
        #expect(other.centers.isBitIdentical(to: one.centers))
        let sameLabels = other.labels.labels == one.labels.labels
        let sameScores = other.labels.similarities == one.labels.similarities
        #expect(sameLabels && sameScores)
        #expect(other.agreement == one.agreement)
    }

    @Test func `a search that follows its units leaves most scores out`() throws {
        let samples = try Samples(blobs(count: 4096, dim: 13, clusters: 60, spread: 0.6))
        let settings = ClusteringSettings(clusterCount: 400, iterations: 7)
        var run = try ClusteringRun(samples, settings: settings, threads: 1)
        let search = AssignmentSearch(samples, settings: settings, threads: 1)
        func scores(_ units: [Int], iteration: Int) -> Int {
            search.nearest(
                AssignmentOrder(
                    stage: .iteration(iteration), centers: run.state.centers, centroids: nil,
                    depth: 1, units: units)
            ) {}.scoreCount
        }
        let all = 1024 * 400
        for iteration in 0..<5 {
            let count = scores([0], iteration: iteration)
            #expect(iteration == 0 ? count == all : count < all)
            // A unit that another had meanwhile begins anew.
            if iteration == 3 { #expect(scores([2], iteration: iteration) == all) }
            _ = try run.advance()
        }
    }

    @Test func `units that follow each other are read as one range`() {
        let units = SampleUnits(sampleCount: 1000, isInBatches: true)
        #expect(units.unitRows == 64 && units.count == 16)
        #expect(units[15] == 960..<1000)
        #expect(units.ranges(of: [0, 1, 4, 14, 15]) == [0..<128, 256..<320, 896..<1000])
        #expect(units.rowCount(of: [0, 15][...]) == 104)
        #expect(SampleUnits(sampleCount: 1025, isInBatches: false).count == 2)
    }

    @Test func `an assigner that stops leaves the state as it was`() throws {
        struct Stopped: CenterAssigner {
            func nearest(_ order: AssignmentOrder) throws(ClusteringError) -> NearestCenters {
                throw .stopped
            }
        }
        let samples = try Samples(blobs(count: 300, dim: 5, clusters: 6))
        var run = try ClusteringRun(
            samples, settings: ClusteringSettings(clusterCount: 6), threads: 1, assigner: Stopped())
        #expect(throws: ClusteringError.stopped) { try run.advance() }
        #expect(run.iteration == 0 && run.state.objectives.isEmpty)
    }
}
