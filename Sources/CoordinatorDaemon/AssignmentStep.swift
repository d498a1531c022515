import Clustering
import Messages
import Methods
import Optimizers

/// The open step of a clustering: an order of its k-means, cut into slices, and where what is found
/// belongs.
struct AssignmentStep: Sendable {
    /// The step.
    let step: StepNumber
    /// Centers asked for of each sample.
    let depth: Int
    /// What each slice is to look up, in order.
    let tasks: [SliceTask]
    /// Where each slice's samples begin among those of the order, and the end of the last.
    let rowBegins: [Int]

    /// Slice s of n units has the units floor(s n / S) ..< floor((s + 1) n / S), as everywhere.
    init(_ order: AssignmentOrder, step: StepNumber, plan: ClusteringPlan) {
        let (n, slices, units) = (order.units.count, plan.slices, plan.units)
        var (tasks, begins) = ([SliceTask](), [0])
        for slice in 0..<slices {
            let mine = order.units[(slice * n / slices)..<((slice + 1) * n / slices)]
            tasks.append(
                SliceTask(
                    step: step, slice: SliceNumber(slice), dataEpoch: 0, stepSamples: UInt32(n),
                    samples: mine.map { UInt32($0) }))
            begins.append(begins[slice] + units.rowCount(of: mine))
        }
        self.step = step
        depth = order.depth
        self.tasks = tasks
        rowBegins = begins
    }

    /// Samples of the step.
    var rowCount: Int { rowBegins[rowBegins.count - 1] }

    /// The samples of a node, by their places among those of the order.
    func rows(of node: SliceRange) -> Range<Int> {
        rowBegins[Int(node.lo)]..<rowBegins[Int(node.hi)]
    }

    /// What is wrong with a node's result, as a sentence; nil if nothing is.
    func problem(with result: SliceResult, of node: SliceRange, centerCount: Int) -> String? {
        guard node.lo < node.hi, Int(node.hi) < rowBegins.count else {
            return "slices \(node) of \(tasks.count)"
        }
        return result.assignmentProblem(
            centerCount: centerCount, rowCount: rows(of: node).count, depth: depth)
    }
}
