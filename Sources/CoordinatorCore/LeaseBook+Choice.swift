import Messages
import Optimizers

// Which slice a worker gets.
extension LeaseBook {
    /// The unleased slice that suits the worker best, or nil.
    ///
    /// Best is the sibling of a slice that it holds (their sum is then one node), then a slice that
    /// came back (its group waits for it), then one whose number the worker had in the step before
    /// (its samples are ready), then one near those that it holds, then one in the largest
    /// untouched part of the tree, then the lowest. A slice that failed on it is left to workers
    /// on which it has not failed, if one is `ready` and has its data; not for longer than
    /// `patience`, since such a worker may live and take no leases.
    ///
    /// One pass over the slices; what costs more is looked at only where slices are equal so far.
    func choice(
        for worker: Incarnation, ready: [Incarnation], at time: Moment = Moment(nanoseconds: 0),
        patience: Duration = .zero, where mayCompute: (Int) -> Bool = { _ in true },
        hasData: (Incarnation, Int) -> Bool = { _, _ in true }
    ) -> Int? {
        let mine = held(by: worker)
        let siblings = mine.compactMap { tree.sibling(of: .leaf($0)) }.filter(\.isLeaf).map(\.lo)
        let equal = leastOf(
            slices.indices.filter {
                mayTake(
                    worker, $0, ready: ready, isLate: time - slices[$0].idleSince > patience,
                    hasData: hasData) && mayCompute($0)
            }
        ) {
            let slice = slices[$0]
            let rank = slice.previous == worker ? 0 : slice.previous == nil ? 1 : 2
            return (siblings.contains($0) ? 0 : 6) + (slice.attempts > 0 ? 0 : 3) + rank
        }
        guard equal.count > 1 else { return equal.first }
        let near = leastOf(equal) { index in
            mine.map { heightOfMeeting(index, $0) }.min() ?? 0
        }
        guard near.count > 1 else { return near.first }
        var touchedBefore = [0]
        touchedBefore.reserveCapacity(slices.count + 1)
        for (index, slice) in slices.enumerated() {
            touchedBefore.append(touchedBefore[index] + (slice.attempts > 0 ? 1 : 0))
        }
        var around = tree.root
        var size = 0
        return leastOf(near) { index in
            // Slices that follow each other lie in the same untouched node.
            if size == 0 || !around.slices.contains(index) {
                around = largestUntouched(around: index, touchedBefore)
                size = slices[index].attempts > 0 ? 0 : tree.occupiedCount(in: around)
            }
            return -size
        }.first
    }

    private func mayTake(
        _ worker: Incarnation, _ index: Int, ready: [Incarnation], isLate: Bool,
        hasData: (Incarnation, Int) -> Bool
    ) -> Bool {
        let slice = slices[index]
        guard !slice.isEmpty, !slice.isDone, slice.holders.isEmpty, hasData(worker, index) else {
            return false
        }
        return isLate || !slice.failedOn.contains(worker)
            || ready.allSatisfy { slice.failedOn.contains($0) || !hasData($0, index) }
    }

    /// The numbers for which `key` is least, in order.
    private func leastOf(_ numbers: some Sequence<Int>, by key: (Int) -> Int) -> [Int] {
        var least = Int.max
        var result: [Int] = []
        for number in numbers {
            let value = key(number)
            if value < least {
                least = value
                result.removeAll(keepingCapacity: true)
            }
            if value == least { result.append(number) }
        }
        return result
    }

    /// The slice that is overdue by most and that the worker does not hold, or nil.
    ///
    /// A result may rest inside its worker until its sibling is answered: a slice with all answers
    /// (`isThrough`) is not overdue while it is on no slot and its holder has parked slices.
    func overdueChoice(
        for worker: Incarnation, at time: Moment, term: Duration, isThrough: (Int) -> Bool,
        where mayCompute: (Int) -> Bool = { _ in true },
        hasData: (Incarnation, Int) -> Bool = { _, _ in true }
    ) -> Int? {
        let parked = slices.flatMap(\.holders).filter { $0.state == .parked }.map(\.worker)
        var best: (overdue: Duration, slice: Int)?
        for (index, slice) in slices.enumerated()
        where !holds(worker, index) && hasData(worker, index) && mayCompute(index) {
            let rests =
                isThrough(index)
                && slice.holders.contains { !$0.isOnSlot && parked.contains($0.worker) }
            guard !rests, let overdue = overdueTime(of: slice, at: time, term: term) else {
                continue
            }
            if best.map({ overdue > $0.overdue }) ?? true { best = (overdue, index) }
        }
        return best?.slice
    }

    /// By how much all holders of a slice are overdue, or nil if one is not, or none is there.
    private func overdueTime(of slice: Slice, at time: Moment, term: Duration) -> Duration? {
        guard !slice.isDone, !slice.holders.isEmpty else { return nil }
        var least: Duration?
        for holder in slice.holders {
            guard let stale = staleness(of: holder, at: time), stale > term else { return nil }
            least = min(least ?? stale, stale)
        }
        return least.map { $0 - term }
    }

    /// For how long a holder's slice has not moved though it should, or nil if it waits for us.
    ///
    /// Time that a transfer may take is left out.
    func staleness(of holder: Holder, at time: Moment) -> Duration? {
        switch holder.state {
        case .parked, .offered: nil
        case .working: time - holder.progress
        case .delivering(let allowance): max(.zero, time - holder.progress - allowance)
        }
    }

    /// The height above the leaves at which the paths of two slices meet.
    private func heightOfMeeting(_ a: Int, _ b: Int) -> Int {
        var node = tree.root
        while let (left, right) = node.children {
            if left.slices.contains(a), left.slices.contains(b) {
                node = left
            } else if right.slices.contains(a), right.slices.contains(b) {
                node = right
            } else {
                break
            }
        }
        return max(depth(of: a, below: node), depth(of: b, below: node))
    }

    private func depth(of slice: Int, below node: TreeNode) -> Int {
        var (node, depth) = (node, 0)
        while let (left, right) = node.children {
            node = left.slices.contains(slice) ? left : right
            depth += 1
        }
        return depth
    }

    /// The largest node around a slice in which nothing was leased yet, or the slice's leaf.
    ///
    /// - Parameter touchedBefore: for each slice, how many below it were leased.
    private func largestUntouched(around slice: Int, _ touchedBefore: [Int]) -> TreeNode {
        var node = tree.root
        while touchedBefore[node.hi] != touchedBefore[node.lo],
            let (left, right) = node.children
        {
            node = left.slices.contains(slice) ? left : right
        }
        return node
    }
}
