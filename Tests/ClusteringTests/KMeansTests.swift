import Clustering
import Tensors
import Testing

/// Points around `clusters` directions, unit length.
func blobs(count: Int, dim: Int, clusters: Int, spread: Float = 0.3, seed: UInt64 = 1) -> Tensor {
    let random = CounterRandom(seed: seed, stream: .test, a: 1)
    let centers = CounterRandom(seed: seed, stream: .test, a: 2)
    var values: [Float] = []
    for sample in 0..<count {
        let cluster = random.integer(at: 1_000_000 + sample, below: clusters)
        for column in 0..<dim {
            let noise = random.normal(at: sample * dim + column)
            values.append(centers.normal(at: cluster * dim + column) + spread * noise)
        }
    }
    return Tensor(values, shape: [count, dim]).unitRows()
}

/// Lloyd's algorithm written out sample by sample in double precision, without splitting.
private func lloyd(
    _ x: Tensor, start: [Int], iterations: Int, spherical: Bool
) -> (centers: [[Double]], assignment: [[Int]], objective: [Double]) {
    let d = x.shape[1]
    let rows = (0..<x.shape[0]).map { row in
        (0..<d).map { Double(x.span[row * d + $0]) }
    }
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map(*).reduce(0, +) }
    func unit(_ a: [Double]) -> [Double] {
        let length = max(dot(a, a).squareRoot(), 1e-12)
        return a.map { $0 / length }
    }
    var centers = start.map { spherical ? unit(rows[$0]) : rows[$0] }
    var (assignments, objectives): ([[Int]], [Double]) = ([], [])
    for _ in 0..<iterations {
        var (assignment, objective): ([Int], Double) = ([], 0)
        for row in rows {
            let scores = centers.map { center in
                let away = zip(row, center).map(-)
                return spherical ? dot(row, center) : -dot(away, away)
            }
            let best = scores.indices.max { (scores[$0], -$0) < (scores[$1], -$1) } ?? 0
            assignment.append(best)
            objective += spherical ? scores[best] : -scores[best]
        }
        for cluster in centers.indices {
            let members = rows.indices.filter { assignment[$0] == cluster }
            guard !members.isEmpty else { continue }
            let sums = (0..<d).map { column in
                members.reduce(0.0) { $0 + rows[$1][column] } / Double(members.count)
            }
            centers[cluster] = spherical ? unit(sums) : sums
        }
        assignments.append(assignment)
        objectives.append(objective)
    }
    return (centers, assignments, objectives)
}

struct KMeansTests {
    private let draws = SplitDraws.counter(seed: 0)

    @Test(arguments: [true, false])
    func `iterations are those of the algorithm written out`(_ spherical: Bool) throws {
        let x = blobs(count: 700, dim: 9, clusters: 12)
        let start = drawStart(sampleCount: 700, clusterCount: 12, seed: 4)
        let expected = lloyd(x, start: start, iterations: 6, spherical: spherical)
        var run = try KMeans(
            samples: x, start: start, spherical: spherical, draws: draws, threads: 2)
        for t in 0..<6 {
            let seen = try run.advance()
            try #require(seen.refilled == 0)
            #expect(seen.number == t)
            #expect(seen.assignment.map(Int.init) == expected.assignment[t])
            #expect(abs(seen.objective - expected.objective[t]) < 1e-4 * expected.objective[t])
            #expect(seen.counts.reduce(0, +) == 700)
        }
        let values = run.centers.values
        for (place, wanted) in expected.centers.joined().enumerated() {
            #expect(abs(Double(values[place]) - wanted) < 1e-5)
        }
    }

    @Test(arguments: [true, false])
    func `the objective never gets worse`(_ spherical: Bool) throws {
        let x = blobs(count: 3000, dim: 20, clusters: 40, spread: 1)
        var run = try KMeans(
            samples: x, start: drawStart(sampleCount: 3000, clusterCount: 60, seed: 1),
            spherical: spherical, draws: draws, threads: 2)
        var last = try run.advance()
        for _ in 0..<8 {
            let next = try run.advance()
            guard last.refilled == 0 else { continue }
            let gain = (next.objective - last.objective) * (spherical ? 1 : -1)
            #expect(gain > -1e-3)
            last = next
        }
    }

    @Test(arguments: [2, 3, 7])
    func `the number of threads does not change a bit`(_ threads: Int) throws {
        let x = blobs(count: 2100, dim: 33, clusters: 30, spread: 0.8)
        let cells = SearchMethod.cells(CellSettings(clusterCount: 700, cells: 40, probes: 5))
        for search in [SearchMethod.exact, cells] {
            for batch in [nil, 500] {
                let settings = ClusteringSettings(
                    clusterCount: 700, iterations: 4, labelsPerSample: 5, batchCount: batch,
                    search: search)
                let one = try #require(try cluster(x, settings: settings, threads: 1))
                let many = try #require(try cluster(x, settings: settings, threads: threads))
                let sameLabels = one.labels.labels == many.labels.labels
                let sameCosines = one.labels.similarities == many.labels.similarities
                #expect(one.centers.isBitIdentical(to: many.centers))
                #expect(sameLabels && sameCosines)
                #expect(one.objectives == many.objectives)
                #expect(one.scoreCount == many.scoreCount)
            }
        }
    }

    @Test func `a stopped clustering returns nothing`() throws {
        let x = blobs(count: 900, dim: 8, clusters: 20)
        var last = 0
        let stopped = try cluster(
            x, settings: ClusteringSettings(clusterCount: 50, iterations: 6), threads: 1
        ) { progress in
            last = progress.iteration
            return progress.iteration < 3
        }
        #expect(stopped == nil && last == 3)
    }

    @Test func `equal distances go to the lowest center`() throws {
        let x = Tensor([1, 0, 1, 0, 0, 1, 0, 1], shape: [4, 2])
        var run = try KMeans(
            samples: x, start: [0, 1, 2], spherical: false, draws: .given([0.9, 0.1, 0.1]),
            threads: 1)
        #expect(try run.advance().assignment == [0, 0, 2, 2])
    }

    @Test func `an empty cluster is split off as faiss does it`() throws {
        // Counts 3, 0, 2 of n = 5, k = 3: chances (3-1)/2 = 1 at j = 0, so a draw of .99 stops.
        let x = Tensor([4, 8, 4, 8, 4, 8, -4, 2, -4, 2], shape: [5, 2])
        var run = try KMeans(
            samples: x, start: [0, 1, 3], spherical: false, draws: .given([0.99]), threads: 1)
        let seen = try run.advance()
        #expect(seen.counts == [3, 0, 2] && seen.refilled == 1)
        let (up, down): (Float, Float) = (1 + 1 / 1024, 1 - 1 / 1024)
        #expect(run.centers.values == [4 * down, 8 * up, 4 * up, 8 * down, -4, 2])
    }

    @Test func `given draws are used from the first in every iteration, and can run out`() throws {
        // Counts 5, 0, 3 of n = 8, k = 3: chances .8, none, .4, so .99 never stops and .1 does.
        let x = Tensor([1, 1, 1, 1, 1, 9, 9, 9], shape: [8, 1])
        func run(_ draws: [Float]) throws(ClusteringError) -> KMeans {
            try KMeans(
                samples: x, start: [0, 1, 5], spherical: false, draws: .given(draws), threads: 1)
        }
        #expect(throws: ClusteringError.drawsExhausted(used: 2)) {
            var short = try run([0.99, 0.99])
            _ = try short.advance()
        }
        var enough = try run([0.99, 0.99, 0.99, 0.1])
        for _ in 0..<3 { _ = try enough.advance() }
    }

    @Test func `bad input is refused by name`() {
        let x = blobs(count: 10, dim: 3, clusters: 2)
        #expect(throws: ClusteringError.clusterCount(asked: 11, samples: 10)) {
            try cluster(x, settings: ClusteringSettings(clusterCount: 11), threads: 1)
        }
        #expect(throws: ClusteringError.badStart("sample 10 of 10")) {
            try KMeans(samples: x, start: [0, 10], spherical: true, draws: draws, threads: 1)
        }
        var values = x.values
        values[7] = .nan
        #expect(throws: ClusteringError.notFinite(sample: 2)) {
            try KMeans(
                samples: Tensor(values, shape: [10, 3]), start: [0], spherical: true,
                draws: draws, threads: 1)
        }
    }

    @Test func `starting samples are distinct and follow the seed`() {
        let start = drawStart(sampleCount: 500, clusterCount: 200, seed: 8)
        #expect(Set(start).count == 200 && start.allSatisfy { (0..<500).contains($0) })
        #expect(start == drawStart(sampleCount: 500, clusterCount: 200, seed: 8))
        #expect(start != drawStart(sampleCount: 500, clusterCount: 200, seed: 9))
    }
}

/// The traps of the MLCD sheet's section 7 that concern clustering.
struct ClusteringTrapTests {
    @Test func `Trap 2: no sample is left out, no center is normalised between`() throws {
        let x = blobs(count: 2000, dim: 6, clusters: 2, spread: 0.5)
        var run = try KMeans(
            samples: x, start: [0, 1], spherical: false, draws: .counter(seed: 0), threads: 1)
        var counts: [Int] = []
        for _ in 0..<4 { counts = try run.advance().counts }
        // faiss would cap at 256 samples a center.
        #expect(counts.reduce(0, +) == 2000)
        for row in 0..<2 {
            let length = run.centers.rows(row..<(row + 1)).values.reduce(0) { $0 + $1 * $1 }
            #expect(length < 0.99, "a mean of unit vectors is shorter than they are")
        }
        #expect(run.unitCenters.values[..<6].reduce(0) { $0 + $1 * $1 } > 0.999)
    }

    @Test func `Trap 3: labels follow from the features given, whatever the batch`() {
        let x = blobs(count: 1100, dim: 10, clusters: 30)
        let centers = blobs(count: 90, dim: 10, clusters: 30, seed: 2)
        let all = ClusterLabels(samples: x, centers: centers, perSample: 8, threads: 2)
        let some = ClusterLabels(
            samples: x.rows(512..<1024), centers: centers, perSample: 8, threads: 1)
        #expect(Array(all.labels[(512 * 8)..<(1024 * 8)]) == some.labels)
    }
}
