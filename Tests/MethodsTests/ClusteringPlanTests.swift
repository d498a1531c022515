import Clustering
import Foundation
import Identity
import Optimizers
import Tensors
import Testing

@testable import Methods

/// What workers of a clustering are told, and what they send back.
@Suite struct ClusteringPlanTests {
    private static func plan(
        count: Int = 5000, batch: Int? = nil, search: SearchMethod = .automatic
    ) throws -> ClusteringPlan {
        try ClusteringPlan(
            settings: ClusteringSettings(
                clusterCount: 12, labelsPerSample: 3, seed: 7, batchCount: batch, search: search),
            samples: try Samples(Tensor(zeros: [count, 4])),
            preparation: FeaturePreparation(centred: true, unitLength: false),
            mean: [0.1, -0, .leastNonzeroMagnitude, 3e8], features: ["/here/z.npy"])
    }

    @Test(arguments: [nil, 640], [SearchMethod.automatic, .cells(CellSettings(clusterCount: 12))])
    func `a plan is read as it was written`(_ batch: Int?, _ search: SearchMethod) throws {
        let plan = try Self.plan(batch: batch, search: search)
        let read = try #require(try ClusteringPlan(text: plan.text))
        #expect(read.text == plan.text && read.digest == plan.digest)
        #expect(read.mean.map(\.bitPattern) == plan.mean.map(\.bitPattern))
        #expect(read.units == plan.units && read.slices == plan.slices)
        #expect(read.features == ["/here/z.npy"])
        // Where the features lie decides nothing.
        var elsewhere = plan
        elsewhere.features = ["/there/z.npy"]
        #expect(elsewhere.digest == plan.digest)
        #expect(try Self.plan(count: 5001).digest != Self.plan().digest)
    }

    @Test func `a run file is no plan`() throws {
        #expect(try ClusteringPlan(text: "name: run\nmethod: mlcd\n") == nil)
    }

    @Test(arguments: [
        ("\"centers\" : 12", "\"centers\" : 0"),
        ("\"centers\" : 12", "\"centers\" : 4611686018427387904"),
        ("\"dim\" : 4", "\"dim\" : 5"), ("\"dim\" : 4", "\"dim\" : -4"),
        ("\"samples\" : 5000", "\"samples\" : 0"),
        ("\"samples\" : 5000", "\"samples\" : 2147483648"),
        ("\"labels\" : 3", "\"labels\" : 0"), ("\"batch\" : 640", "\"batch\" : 0"),
        ("\"cells\" : 12", "\"cells\" : 13"), ("\"cells\" : 12", "\"cells\" : -1"),
        ("\"probes\" : 32", "\"probes\" : 0"), ("\"dim\"", "\"dims\""), ("{", "{{"),
    ])
    func `a plan that would trap is refused`(_ part: String, _ other: String) throws {
        let text = try Self.plan(batch: 640, search: .cells(CellSettings(clusterCount: 12))).text
        let range = try #require(text.range(of: part))
        let changed = text.replacingCharacters(in: range, with: other)
        #expect(throws: ClusteringPlanError.self) { try ClusteringPlan(text: changed) }
    }

    @Test(arguments: [SearchMethod.exact, .cells(CellSettings(clusterCount: 12, cells: 2))])
    func `an order comes out of its version as it went in`(_ search: SearchMethod) throws {
        let plan = try Self.plan(search: search)
        let centers = Tensor((0..<48).map { Float($0) }, shape: [12, 4])
        let centroids =
            search == .exact ? nil : Tensor((0..<8).map { Float(-$0) }, shape: [2, 4])
        let order = AssignmentOrder(
            stage: .labels, centers: centers, centroids: centroids, depth: 3, units: [1, 4])
        let version = plan.version(of: order)
        let read = try plan.order(step: 9, version: version, units: [1, 4])
        #expect(read.stage == .labels && read.depth == 3 && read.units == [1, 4])
        #expect(read.centers.isBitIdentical(to: centers))
        #expect(read.centroids?.values == centroids?.values)
        #expect(throws: ClusteringPlanError.self) {
            try plan.order(step: 9, version: version, units: [5])
        }
        let short = VersionTensors(
            parameters: Tensor(zeros: [47]), buffers: Tensor([0, 1], shape: [2]))
        #expect(throws: ClusteringPlanError.self) {
            try plan.order(step: 9, version: short, units: [0])
        }
        let deep = VersionTensors(
            parameters: version.parameters, buffers: Tensor([0, 13], shape: [2]))
        #expect(throws: ClusteringPlanError.self) {
            try plan.order(step: 9, version: deep, units: [0])
        }
    }

    @Test(arguments: [
        (1, 1), (3000, 2), (60_000, 58), (2_000_000, 64), (400_000_000, 4096),
    ])
    func `steps have enough slices for many workers, and not too many`(
        _ samples: Int, _ slices: Int
    ) throws {
        var plan = try Self.plan()
        plan.sampleCount = samples
        #expect(plan.slices == slices)
        #expect(plan.sliceBytesMax >= 24 * samples / slices && plan.sliceBytesMax < 64 << 20)
    }

    @Test func `results are what was found, and nothing else is taken`() throws {
        let found = NearestCenters(
            depth: 2, centers: [3, 11, 0, 5], scores: [0.5, -1, 2, .leastNonzeroMagnitude])
        let result = SliceResult(assignment: found)
        #expect(result.assignmentProblem(centerCount: 12, rowCount: 2, depth: 2) == nil)
        #expect(result.assignmentProblem(centerCount: 12, rowCount: nil, depth: nil) == nil)
        #expect(result.assignmentProblem(centerCount: 11, rowCount: 2, depth: 2) != nil)
        #expect(result.assignmentProblem(centerCount: 12, rowCount: 3, depth: 2) != nil)
        #expect(result.assignmentProblem(centerCount: 12, rowCount: 2, depth: 1) != nil)
        var (centers, scores) = ([Int32](repeating: -1, count: 6), [Float](repeating: 9, count: 6))
        result.copyAssignment(to: &centers, &scores, from: 2)
        #expect(centers == [-1, -1, 3, 11, 0, 5])
        #expect(scores == [9, 9, 0.5, -1, 2, .leastNonzeroMagnitude])
        for wrong: Float in [0.5, -1, .nan, .infinity, 12] {
            var bad = result
            bad.rows = NamedTensors([
                "centers": Tensor([3, wrong, 0, 5], shape: [2, 2]),
                "scores": Tensor(zeros: [2, 2]),
            ])
            #expect(bad.assignmentProblem(centerCount: 12, rowCount: 2, depth: 2) != nil)
        }
        var gradient = result
        gradient.gradient = Tensor(zeros: [1])
        #expect(gradient.assignmentProblem(centerCount: 12, rowCount: 2, depth: 2) != nil)
    }
}
