import Identity
import Messages
import Optimizers

/// The run as one process would make it, without machine, messages or faults: what every simulated
/// run must come to.
struct FaultFreeRun {
    /// The states after no step, one step, and so on.
    private(set) var states: [SimulatedState]
    /// The digest of each step's summed result.
    private(set) var gradients: [Digest] = []
    /// The digest of each slice's result by step and slice; nil for empty ones.
    private(set) var leaves: [[Digest?]] = []

    /// Makes all steps.
    init(_ plan: Plan) {
        states = [SimulatedState(slices: plan.slices)]
        let method = SimulatedMethod(plan: plan)
        for step in 0..<plan.steps {
            var state = states[step]
            let work = FaultFreeStep(plan, method, step: step, state: state)
            leaves.append(work.results.map { $0?.digest })
            let tree = plan.tree(of: step)
            guard let total = work.sum(tree.root, of: tree) else { continue }
            gradients.append(total.digest)
            state.commit(total, inputs: work.inputs)
            states.append(state)
        }
    }
}

private struct FaultFreeStep {
    var results: [SliceResult?]
    var inputs: [(slice: Int, input: [Float])] = []

    init(_ plan: Plan, _ method: SimulatedMethod, step: Int, state: SimulatedState) {
        let tasks = plan.tasks(of: step)
        let filled = tasks.indices.filter { !tasks[$0].samples.isEmpty }
        var answers: [[[Float]]] = tasks.map { _ in [] }
        for round in 0..<plan.rounds {
            let sent = tasks.map {
                method.input(
                    $0, round: round, version: state.version, answers: answers[$0.slice.index])
            }
            for group in plan.groups {
                let present = filled.filter { group.contains($0) }
                let replies = method.answers(
                    group: present.map { sent[$0] }, slices: present, table: state.table)
                for (slice, reply) in zip(present, replies) { answers[slice].append(reply) }
            }
            inputs += filled.map { ($0, sent[$0]) }
        }
        results = tasks.map { task in
            task.samples.isEmpty
                ? nil
                : method.result(
                    task, version: state.version, answers: answers[task.slice.index])
        }
    }

    func sum(_ node: TreeNode, of tree: GradientTree) -> SliceResult? {
        guard !tree.isEmpty(node) else { return nil }
        guard let (left, right) = node.children else { return results[node.lo] }
        switch (sum(left, of: tree), sum(right, of: tree)) {
        case (let a?, let b?): return .sum(a, b)
        case (let a?, nil): return a
        case (nil, let b): return b
        }
    }
}
