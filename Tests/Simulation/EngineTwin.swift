import CoordinatorCore
import Identity
import Messages
import Optimizers

/// The numeric state of one start of the coordinator: the counterpart of `StateEngine`.
///
/// What it is told is done in order, one after the other; what cannot be done is a fault of the
/// machine and is noted.
struct EngineTwin {
    let plan: Plan
    let method: SimulatedMethod
    let flaw: ShellFlaw?
    /// The state with all committed steps.
    var state: SimulatedState
    /// The name of the open step's version.
    private(set) var versionName: Digest
    /// The open step, if one is.
    private(set) var step: Int?
    /// What the machine asked for that cannot be done.
    private(set) var faults: [String] = []
    /// Openings in which something was in doubt, of all starts: part of the version's name.
    var doubts: Int
    private var inputs: [[[Float]?]] = []
    private var answers: [[[Float]?]] = []
    private var nodes: [(range: SliceRange, result: SliceResult)] = []

    init(plan: Plan, state: SimulatedState, doubts: Int, flaw: ShellFlaw?) {
        self.doubts = doubts
        self.plan = plan
        self.flaw = flaw
        self.state = state
        method = SimulatedMethod(plan: plan)
        versionName = state.versionDigest
    }

    /// Nodes that are kept.
    var keptCount: Int { nodes.count }

    // MARK: 1. Open

    mutating func open(_ number: StepNumber) -> OpenedStep {
        let index = number.index
        if index != state.committed { faults.append("step \(index) opened at \(state.committed)") }
        step = index
        inputs = Array(repeating: Array(repeating: nil, count: plan.slices), count: plan.rounds)
        answers = inputs
        nodes = []
        versionName = state.versionDigest
        if doubts > 0 { versionName = sha256("\(versionName) after doubt \(doubts)") }
        return OpenedStep(
            step: number, version: versionName, tasks: plan.tasks(of: index),
            nextTasks: plan.tasks(of: index + 1), shards: plan.shardsNeeded)
    }

    // MARK: 4. Exchange

    mutating func keepInput(_ input: [Float], of slice: Int, round: Int) {
        inputs[round][slice] = input
    }

    mutating func answer(round: Int, slices: Range<Int>) {
        let present = filled.filter { slices.contains($0) }
        let sent = present.compactMap { inputs[round][$0] }
        guard sent.count == present.count else {
            faults.append("a group is answered without all its inputs")
            return
        }
        let replies = method.answers(group: sent, slices: present, table: state.table)
        for (slice, reply) in zip(present, replies) { answers[round][slice] = reply }
    }

    /// The kept answer, or nil if its step is over.
    func answer(to question: ExchangeAnswer) -> [Float]? {
        guard step == question.step.index else { return nil }
        return answers[Int(question.round)][question.slice.index]
    }

    private var filled: [Int] {
        plan.tasks(of: step ?? plan.steps).filter { !$0.samples.isEmpty }.map(\.slice.index)
    }

    // MARK: 6. Sum

    mutating func keepNode(_ range: SliceRange, _ result: SliceResult, replacing: [SliceRange]) {
        nodes.removeAll { replacing.contains($0.range) }
        if nodes.contains(where: { $0.range.lo < range.hi && range.lo < $0.range.hi }) {
            faults.append("a slice of node \(range) is in another kept node already")
        }
        nodes.append((range, result))
    }

    mutating func dropNode(_ range: SliceRange) { nodes.removeAll { $0.range == range } }

    mutating func combine(_ range: SliceRange) {
        var children = nodes.filter { $0.range.lo >= range.lo && $0.range.hi <= range.hi }
        if flaw != .addsInOrderOfArrival { children.sort { $0.range < $1.range } }
        guard children.count == 2 else {
            faults.append("node \(range) has \(children.count) kept children")
            return
        }
        nodes.removeAll { $0.range.lo >= range.lo && $0.range.hi <= range.hi }
        nodes.append((range, .sum(children[0].result, children[1].result)))
    }

    // MARK: 7. Commit

    /// Moves the state by the open step; returns its ledger record.
    mutating func commit(_ number: StepNumber, _ accounts: [SliceAccount]) -> StepRecord? {
        guard step == number.index, nodes.count == 1, number.index == state.committed else {
            faults.append("commit of step \(number) with \(nodes.count) nodes")
            return nil
        }
        if accounts.map(\.leaf.slice.index) != filled {
            faults.append("the slices of step \(number) are not counted once each")
        }
        var entered: [(slice: Int, input: [Float])] = []
        for round in 0..<plan.rounds {
            for slice in filled {
                guard let input = inputs[round][slice] else {
                    faults.append("step \(number) is committed without an input of slice \(slice)")
                    continue
                }
                entered.append((slice, input))
            }
        }
        let (total, version) = (nodes[0].result, state.versionDigest)
        state.commit(total, inputs: entered)
        step = nil
        nodes = []
        return StepRecord(
            step: number.index, version: version, gradient: total.digest, next: state.digest,
            leaves: accounts.map(\.leaf.digest))
    }
}
