import Messages
import Optimizers
import Testing

@testable import CoordinatorCore

/// The choice of a slice is quick; here it is held against the order of preference as it is said.
@Suite(.timeLimit(.minutes(2))) struct LeaseChoiceTests {
    /// Numbers in a fixed order that looks like chance.
    private struct Dice {
        var state: UInt64
        mutating func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
    }

    private let workers = (1...4).map { Incarnation(epoch: 1, counter: UInt32($0)) }

    /// Best is what comes first by: sibling of mine, came back, mine in the step before, nearness,
    /// size of the untouched part around it, number.
    private func plainChoice(
        _ book: LeaseBook, _ tree: GradientTree, _ worker: Incarnation, ready: [Incarnation]
    ) -> Int? {
        let mine = book.held(by: worker)
        func meeting(_ a: Int, _ b: Int) -> Int {
            let (p, q) = (tree.path(toLeaf: a), tree.path(toLeaf: b))
            return max(p.count, q.count) - zip(p, q).prefix { $0 == $1 }.count
        }
        var best: (score: [Int], slice: Int)?
        for (index, slice) in book.slices.enumerated() {
            guard !slice.isEmpty, !slice.isDone, slice.holders.isEmpty else { continue }
            let others = ready.filter { !slice.failedOn.contains($0) }
            if slice.failedOn.contains(worker), !others.isEmpty { continue }
            let height = mine.map { meeting(index, $0) }.min() ?? Int.max
            let rank = slice.previous == worker ? 0 : slice.previous == nil ? 1 : 2
            let around = tree.path(toLeaf: index).first { node in
                node.slices.allSatisfy { book.slices[$0].attempts == 0 }
            }
            let score = [
                height == 1 ? 0 : 1, slice.attempts > 0 ? 0 : 1, rank, height,
                -(around.map { tree.occupiedCount(in: $0) } ?? 0),
            ]
            if best.map({ score.lexicographicallyPrecedes($0.score) }) ?? true {
                best = (score, index)
            }
        }
        return best?.slice
    }

    @Test(arguments: 0..<60)
    func `it is the first in the order of preference`(seed: Int) {
        var dice = Dice(state: UInt64(seed) + 1)
        let count = 1 + dice.below(40)
        var occupied = (0..<count).map { _ in dice.below(8) > 0 }
        occupied[dice.below(count)] = true
        let tree = GradientTree(occupied: occupied)
        let time = Moment(nanoseconds: 0)
        let previous = (0..<count).map { _ in dice.below(3) > 0 ? workers[dice.below(4)] : nil }
        var book = LeaseBook(
            step: StepNumber(0), occupied: occupied, tree: tree, previous: previous, at: time)
        for _ in 0..<(4 * count) {
            let worker = workers[dice.below(4)]
            let ready = workers.filter { _ in dice.below(4) > 0 }
            let choice = book.choice(for: worker, ready: ready)
            #expect(choice == plainChoice(book, tree, worker, ready: ready))
            let held = book.held(by: worker)
            switch dice.below(5) {
            case 0 where !held.isEmpty:
                let slice = held[dice.below(held.count)]
                book.release(slice, from: worker, at: time)
                if dice.below(2) == 0 { _ = book.fail(slice, on: worker) }
            case 1 where !held.isEmpty: _ = book.finish(held[0], by: worker)
            case 2 where dice.below(8) == 0: _ = book.lose(worker, at: time)
            default: if let choice { book.lease(choice, to: worker, at: time) }
            }
        }
    }

    @Test func `four thousand slices are leased in moments`() {
        let count = 4096
        let tree = GradientTree(sliceCount: count)
        let time = Moment(nanoseconds: 0)
        var book = LeaseBook(
            step: StepNumber(0), occupied: Array(repeating: true, count: count), tree: tree,
            previous: [], at: time)
        let took = ContinuousClock().measure {
            for number in 0..<64 {
                let worker = workers[number % 4]
                guard let slice = book.choice(for: worker, ready: workers) else { return }
                book.lease(slice, to: worker, at: time)
            }
        }
        #expect(book.slices.count { $0.attempts > 0 } == 64)
        #expect(took < .seconds(64), "a lease took \(took / 64)")
        print("a lease among 4,096 slices took \(took / 64)")
    }
}
