/// Share of rows whose true class is among the `top` that `torch.topk` selects on the CPU.
///
/// With few neighbours several classes get no vote at all, and which of them fill the last places
/// is decided by the order in which torch's selection leaves equal values. The reference's top-3
/// figures contain that order, so they are compared with it; ours puts the lowest class first.
func torchTopAccuracy(
    _ scores: [Float], classCount: Int, labels: [Int], top: Int
) -> Double {
    let hits = labels.indices.count { row in
        let values = scores[(row * classCount)..<((row + 1) * classCount)]
        return torchSelection(Array(values), count: top).contains(labels[row])
    }
    return Double(hits) / Double(labels.count)
}

/// The places of the `count` largest values as `std::nth_element` of libstdc++ leaves them.
///
/// Introselect (median of three, unguarded partition, insertion sort of three or fewer) is what
/// torch calls where 64 `count` exceeds the number of values. Its depth limit is not reached by
/// rows of a few hundred values.
func torchSelection(_ values: [Float], count: Int) -> [Int] {
    var order = Array(values.indices)
    func before(_ a: Int, _ b: Int) -> Bool { values[order[a]] > values[order[b]] }
    var (first, last) = (0, order.count)
    while last - first > 3 {
        let (a, b, c) = (first + 1, first + (last - first) / 2, last - 1)
        let median =
            before(a, b)
            ? (before(b, c) ? b : before(a, c) ? c : a)
            : (before(a, c) ? a : before(b, c) ? c : b)
        order.swapAt(first, median)
        var (left, right) = (first + 1, last)
        while true {
            while before(left, first) { left += 1 }
            right -= 1
            while before(first, right) { right -= 1 }
            guard left < right else { break }
            order.swapAt(left, right)
            left += 1
        }
        if left <= count - 1 { first = left } else { last = left }
    }
    for place in (first + 1)..<max(last, first + 1) {
        var at = place
        while at > first, before(at, at - 1) {
            order.swapAt(at, at - 1)
            at -= 1
        }
    }
    return Array(order.prefix(count))
}
