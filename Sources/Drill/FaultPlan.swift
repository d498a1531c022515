import Storage

/// When a fault is due.
public enum FaultMoment: Hashable, Sendable {
    /// After so many committed steps, and then so many median step times; until `last` steps it
    /// waits for the faults before it to heal.
    case step(Int, last: Int, offset: Double)
    /// So many seconds after the fault before it has healed.
    case pause(seconds: Double)
}

/// A fault that is to be.
public struct PlannedFault: Hashable, Sendable {
    /// What is done.
    public var kind: FaultKind
    /// Numbers of the workers from 1, the wanted target first; one that can be hit is taken.
    public var targets: [Int]
    /// When.
    public var moment: FaultMoment
}

/// Which faults a drill injects, and when: a function of its seed and size alone.
///
/// Kinds come in shuffled bags that hold each kind once, so that every kind occurs among the first
/// five, and among every five that follow.
public struct FaultPlan: Hashable, Sendable {
    /// Faults in the order of their moments.
    public private(set) var faults: [PlannedFault] = []

    /// So many faults, spread over the steps of a run.
    ///
    /// Each falls into a part of the run of its own, after at least one step and before at least
    /// one more.
    ///
    /// - Precondition: `count` is at most `steps - 2`, and there are a worker and a kind.
    public init(
        count: Int, steps: Int, workers: Int, seed: UInt64,
        kinds: [FaultKind] = FaultKind.allCases
    ) {
        precondition(count >= 0 && count <= max(0, steps - 2), "\(count) faults in \(steps) steps")
        precondition(workers >= 1 && !kinds.isEmpty, "a run has a worker, a fault a kind")
        var draws = SplitMix64(seed: seed)
        var bag = KindBag(kinds)
        for index in 0..<count {
            // Part `index` of the steps 1..<steps - 1, cut into `count` parts.
            let room = steps - 2
            let (lo, hi) = (index * room / count, (index + 1) * room / count)
            // The first half of it, so that the second is left for healing.
            let step = 1 + lo + draws.below(max(1, (hi - lo) / 2))
            faults.append(
                PlannedFault(
                    kind: bag.next(&draws), targets: draws.shuffled(Array(1...workers)),
                    moment: .step(step, last: max(step, hi - 1), offset: draws.unit())))
        }
    }

    /// Faults for a run of so many minutes, each a pause of `every` seconds after the one before
    /// has healed.
    ///
    /// Coordinators are killed in the first half alone, and the first of several workers never is,
    /// so that there are long lives in which a leak would show.
    public init(
        minutes: Double, every: ClosedRange<Double>, workers: Int, seed: UInt64,
        kinds: [FaultKind] = FaultKind.allCases
    ) {
        precondition(every.lowerBound > 0 && workers >= 1, "pauses and a worker")
        var draws = SplitMix64(seed: seed)
        let sparing = kinds.filter { $0 != .killCoordinator }
        var early = KindBag(kinds)
        var late = KindBag(sparing.isEmpty ? kinds : sparing)
        let seconds = minutes * 60
        var planned = 0.0
        while planned < seconds {
            let pause = every.lowerBound + draws.unit() * (every.upperBound - every.lowerBound)
            planned += pause
            let kind = planned < seconds / 2 ? early.next(&draws) : late.next(&draws)
            let mortal = kind == .killWorker && workers > 1 ? 2...workers : 1...workers
            faults.append(
                PlannedFault(
                    kind: kind, targets: draws.shuffled(Array(mortal)),
                    moment: .pause(seconds: pause)))
        }
    }
}

/// Kinds in an order of chance, each once before any comes again.
private struct KindBag {
    private let all: [FaultKind]
    private var rest: [FaultKind] = []

    init(_ all: [FaultKind]) { self.all = all }

    mutating func next(_ draws: inout SplitMix64) -> FaultKind {
        if rest.isEmpty { rest = draws.shuffled(all) }
        return rest.removeLast()
    }
}

extension SplitMix64 {
    /// In `0..<1`.
    mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }

    /// In `0..<bound`.
    mutating func below(_ bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// The elements in an order of chance.
    mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var result = elements
        for place in result.indices.reversed().dropLast() {
            result.swapAt(place, below(place + 1))
        }
        return result
    }
}
