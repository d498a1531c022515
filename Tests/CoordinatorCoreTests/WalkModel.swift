import CoordinatorCore
import Identity
import Messages
import Optimizers
import Storage

// The only source of chance in a walk.
extension SplitMix64 {
    /// A number below `bound`.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    /// True in `percent` of 100 cases.
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

/// A sum whose association and order show in its value.
func walkSum(_ left: UInt64, _ right: UInt64) -> UInt64 {
    (left &* 0x9E37_79B9_7F4A_7C15) ^ (right &* 0xC2B2_AE3D_27D4_EB4F &+ 17)
}

/// What slice `slice` of step `step` gives.
func walkLeaf(_ step: Int, _ slice: Int) -> UInt64 {
    var mixer = SplitMix64(seed: UInt64(step) << 32 | UInt64(slice))
    return mixer.next()
}

/// A digest made cheaply of a number.
func walkDigest(_ value: UInt64) -> Digest {
    let bytes = (0..<32).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * ($0 % 8))) }
    return Digest(bytes: bytes) ?? .zero
}

/// The sum of a node over the tree, by definition.
func walkTotal(_ tree: GradientTree, _ node: TreeNode, step: Int) -> UInt64? {
    if tree.isEmpty(node) { return nil }
    guard let (left, right) = node.children else { return walkLeaf(step, node.lo) }
    switch (walkTotal(tree, left, step: step), walkTotal(tree, right, step: step)) {
    case (let a?, let b?): return walkSum(a, b)
    case (let a?, nil): return a
    case (nil, let b): return b
    }
}

/// The shell of a walk: it holds what the machine told it to hold, and complains if it is told
/// anything that cannot be done.
struct WalkShell {
    /// What is done later, one after the other.
    enum Work: Hashable { case open(Int), answer(Int, Int, Int), commit(Int) }

    let slices: Int
    let emptyIn: (Int) -> Set<Int>
    var faults: [String] = []
    var work: [Work] = []
    var checkpoint: Int?
    var committed = 0
    var staged: [StagedKey: UInt64] = [:]
    var kept: [SliceRange: UInt64] = [:]
    var inputs: Set<[Int]> = []
    var answered: Set<[Int]> = []
    var open: Int?
    /// Openings in which something was in doubt, of all starts: part of the version's name.
    var doubts = 0
    var over: RunOver?
    var closed: Set<ConnectionID> = []

    func tree(_ step: Int) -> GradientTree {
        GradientTree(occupied: (0..<slices).map { !emptyIn(step).contains($0) })
    }

    mutating func check(_ condition: Bool, _ text: @autoclosure () -> String) {
        if !condition { faults.append(text()) }
    }

    /// Carries an effect out as far as the shell is concerned.
    mutating func carryOut(_ effect: Effect, groups: [[Range<Int>]]) {
        switch effect {
        case .reply(let id, _, _), .push(let id, _), .replyStatus(let id, _):
            check(!closed.contains(id), "something is sent on closed \(id)")
        case .sendVersion(let id, _, let version):
            check(!closed.contains(id), "a version is sent on closed \(id)")
            check(version.step.index == open, "a version that is not open is sent")
        case .sendAnswer(let id, _, let answer):
            check(!closed.contains(id), "an answer is sent on closed \(id)")
            let group = groups[Int(answer.round)].firstIndex { $0.contains(answer.slice.index) }
            check(
                answer.step.index == open && answered.contains([Int(answer.round), group ?? -1]),
                "an answer is sent that is not there")
        case .close(let id):
            check(!closed.contains(id), "\(id) is closed twice")
            closed.insert(id)
        case .openStep(let step):
            check(
                step.index == committed && (open == nil || open == step.index),
                "step \(step) opens out of order")
            open = nil
            work.append(.open(step.index))
        case .keepInput(let key, let step, let slice, let round):
            take(key)
            check(step.index == open, "an input of a step that is not open")
            check(inputs.insert([round, slice.index]).inserted, "an input counts twice")
        case .dropStaged(let key): take(key)
        case .answerGroup(let step, let round, let group, let range):
            check(step.index == open, "a group of a step that is not open")
            let wanted = range.indices.filter { !emptyIn(step.index).contains($0) }
            check(wanted.allSatisfy { inputs.contains([round, $0]) }, "a group lacks inputs")
            work.append(.answer(step.index, round, group))
        case .keepNode(let key, let step, let node, let replaced):
            keep(key, step.index, node, replacing: replaced)
        case .dropNode(let step, let node):
            check(step.index == open, "a node of a step that is not open is dropped")
            check(kept.removeValue(forKey: node) != nil, "a node is dropped that is not kept")
        case .doubt(let step):
            check(step.index == open, "a doubt of a step that is not open")
            doubts += 1
        case .combine(_, let node): combine(node)
        case .commit(let step, let accounts): commit(step.index, accounts)
        case .checkpoint(let count):
            check(checkpoint == nil, "two checkpoints at a time")
            check(count.index == committed, "a checkpoint of another state")
            checkpoint = count.index
        case .over(let how):
            check(over == nil, "the run is over twice")
            over = how
        case .note: break
        }
    }

    @discardableResult
    private mutating func take(_ key: StagedKey) -> UInt64 {
        let value = staged.removeValue(forKey: key)
        check(value != nil, "staged tensors end twice")
        return value ?? 0
    }

    private mutating func keep(
        _ key: StagedKey, _ step: Int, _ node: SliceRange, replacing replaced: [SliceRange]
    ) {
        let value = take(key)
        check(step == open, "a node of a step that is not open")
        for inner in replaced {
            check(kept.removeValue(forKey: inner) != nil, "a node is replaced that is not kept")
        }
        check(
            kept.keys.allSatisfy { $0.hi <= node.lo || node.hi <= $0.lo }, "kept nodes overlap")
        kept[node] = value
    }

    private mutating func combine(_ node: SliceRange) {
        let inner = kept.keys.filter { node.lo <= $0.lo && $0.hi <= node.hi }.sorted()
        check(inner.count == 2, "\(inner.count) nodes to combine into \(node)")
        guard inner.count == 2, let a = kept.removeValue(forKey: inner[0]),
            let b = kept.removeValue(forKey: inner[1])
        else { return }
        kept[node] = walkSum(a, b)
    }

    private mutating func commit(_ step: Int, _ accounts: [SliceAccount]) {
        check(step == committed && step == open, "step \(step) is committed out of order")
        let tree = tree(step)
        check(
            accounts.map(\.leaf.slice.index) == tree.occupiedSlices, "a slice is missing or twice")
        check(
            kept.count == 1 && kept.values.first == walkTotal(tree, tree.root, step: step),
            "the sum of step \(step) is not the tree's")
        work.append(.commit(step))
    }

    /// The run's state after a piece of work, and the event that tells of it.
    mutating func finish(_ work: Work, opened: (Int) -> OpenedStep) -> Event {
        switch work {
        case .open(let step):
            open = step
            (kept, inputs, answered) = ([:], [], [])
            return .stepOpened(opened(step))
        case .answer(let step, let round, let group):
            // A group of an opening that is over is answered in vain.
            guard open == step else {
                return .groupAnswered(StepNumber(step), round: round, group: group)
            }
            answered.insert([round, group])
            return .groupAnswered(StepNumber(step), round: round, group: group)
        case .commit(let step):
            committed += 1
            open = nil
            return .committed(StepNumber(step))
        }
    }
}

/// A worker process of a walk.
struct WalkWorker {
    /// A slice that it has been leased.
    struct Job: Hashable {
        var step: Int
        var slice: Int
        var version: Digest
        var round = 0
        /// Whether it waits for an answer.
        var isParked = false
    }
    /// What a request was about, for its reply.
    enum Purpose: Hashable {
        case greet, hello, attach, ready, lease, other
        case fetch(Int, Digest)
        case exchange(Job)
        case offer(Int, TreeNode)
        case deliver(Int, TreeNode)
    }

    let name: String
    var process: UInt32
    var isAlive = false
    /// It does nothing any more, though its connections stand.
    var isStuck = false
    /// It gives signs of life though it is stuck.
    var beatsOnly = false
    var isOver = false
    var control: ConnectionID?
    var bulk: ConnectionID?
    var incarnation = Incarnation(rawValue: 0)
    var isReady = false
    var requests: UInt64 = 0
    var ticks: UInt64 = 0
    var asked: [RequestID: Purpose] = [:]
    var jobs: [Job] = []
    var versions: Set<Digest> = []
    /// The version of the last lease: what belongs to another one is dropped.
    var version = Digest.zero
    /// Sums that wait inside the worker, by step; and those that wait for a verdict or are kept
    /// for a next hello.
    var held: [Int: HeldNodes<UInt64>] = [:]
    var sums: [[Int]: UInt64] = [:]
    var lastBeat = Moment(nanoseconds: 0)
    var wishes = 0
}
