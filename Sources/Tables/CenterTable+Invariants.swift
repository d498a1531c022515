internal import Optimizers

extension CenterTable {
    /// What is wrong with the table, or `nil`: a check in O(k) for tests.
    public func brokenInvariant() -> String? {
        guard rows.count == settings.rowCount, slots.count == settings.rowCount else {
            return "\(rows.count) rows and \(slots.count) slots for \(settings.rowCount) classes"
        }
        for (slot, row) in touched.enumerated() {
            guard row >= 0, Int(row) < slots.count else { return "row \(row) was touched" }
            guard Int(slots[Int(row)]) == slot else {
                return "row \(row) was touched as number \(slot) but has slot \(slots[Int(row)])"
            }
        }
        let held = slots.count { $0 >= 0 }
        guard held == touched.count else {
            return "\(held) rows have a slot but \(touched.count) were touched"
        }
        guard moments.count == settings.rule.momentCount else {
            return "\(moments.count) moments, the rule has \(settings.rule.momentCount)"
        }
        for store in moments where store.count != touched.count {
            return "moments of \(store.count) rows, \(touched.count) were touched"
        }
        for step in steps {
            let drawn = step.draw.rows
            guard zip(drawn, drawn.dropFirst()).allSatisfy({ $0 < $1 }) else {
                return "the drawn rows of step \(step.number) do not rise"
            }
            let groups = step.contributions.map(\.group)
            guard zip(groups, groups.dropFirst()).allSatisfy({ $0 < $1 }) else {
                return "the groups of step \(step.number) do not rise: \(groups)"
            }
        }
        return nil
    }
}
