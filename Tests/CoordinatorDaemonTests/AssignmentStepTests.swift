import Clustering
import Messages
import Methods
import Optimizers
import Tensors
import Testing

@testable import CoordinatorDaemon

/// The steps of a clustering: which slice looks what up, and where it belongs.
@Suite struct AssignmentStepTests {
    private static func plan(batch: Int? = nil) throws -> ClusteringPlan {
        try ClusteringPlan(
            settings: ClusteringSettings(clusterCount: 5, batchCount: batch),
            samples: try Samples(Tensor(zeros: [7000, 2])), preparation: FeaturePreparation(),
            mean: [0, 0], features: [])
    }

    private static func order(_ units: [Int]) -> AssignmentOrder {
        AssignmentOrder(
            stage: .iteration(3), centers: Tensor(zeros: [5, 2]), centroids: nil, depth: 2,
            units: units)
    }

    @Test func `slices share all units out in order, the last one shorter`() throws {
        let plan = try Self.plan()
        let step = AssignmentStep(
            Self.order(Array(0..<plan.units.count)), step: StepNumber(3), plan: plan)
        #expect(step.tasks.flatMap(\.samples) == (0..<7).map { UInt32($0) })
        #expect(step.tasks.allSatisfy { $0.stepSamples == 7 && $0.step == StepNumber(3) })
        #expect(step.rowCount == 7000 && step.tasks.count == plan.slices)
        let ends = step.rows(of: SliceRange(plan.slices - 1, plan.slices))
        #expect(ends.upperBound == 7000 && ends.lowerBound % 1024 == 0)
        #expect(step.rows(of: SliceRange(0, plan.slices)) == 0..<7000)
    }

    @Test func `the rows of a mini-batch are counted within the batch`() throws {
        let plan = try Self.plan(batch: 256)
        let step = AssignmentStep(Self.order([2, 5, 90, 109]), step: StepNumber(0), plan: plan)
        // Unit 109 has the last 24 samples.
        #expect(step.rowCount == 3 * 64 + 24)
        #expect(step.tasks.flatMap(\.samples) == [2, 5, 90, 109])
    }

    @Test func `nodes with other numbers of rows are refused`() throws {
        let plan = try Self.plan()
        let step = AssignmentStep(Self.order([0, 6]), step: StepNumber(3), plan: plan)
        let all = SliceRange(0, plan.slices)
        func problem(_ rows: Int, of node: SliceRange) -> String? {
            let result = SliceResult(
                gradient: Tensor(zeros: [0]), statistics: Tensor(zeros: [0]), sums: [],
                rows: NamedTensors([
                    "centers": Tensor(zeros: [rows, 2]), "scores": Tensor(zeros: [rows, 2]),
                ]))
            return step.problem(with: result, of: node, centerCount: 5)
        }
        #expect(problem(1024 + 856, of: all) == nil)
        #expect(problem(1024 + 857, of: all) != nil)
        #expect(problem(1024 + 856, of: SliceRange(0, plan.slices + 1)) != nil)
        #expect(problem(0, of: SliceRange(1, 1)) != nil)
    }

    @Test func `a desk passes answers on, and stops its k-means when told so or closed`() throws {
        let meter = WorkMeter()
        let desk = AssignmentDesk(meter: meter)
        desk.deliver(NearestCenters(depth: 2, centers: [4, 1], scores: [2, 1]))
        let found = try desk.nearest(Self.order([0]))
        #expect(found.centers == [4, 1] && found.scores == [2, 1] && found.depth == 2)
        desk.close()
        #expect(throws: ClusteringError.stopped) { try desk.nearest(Self.order([1])) }
        meter.stop()
        let other = AssignmentDesk(meter: meter)
        #expect(throws: ClusteringError.stopped) { try other.nearest(Self.order([1])) }
    }
}
