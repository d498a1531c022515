/// Which checkpoints are kept.
///
/// The newest ones, and the base of each. Where all of those hang on one base, a byte that changes
/// in it would take them all: so the newest older checkpoint that does not hang on it is kept, too,
/// with its own base.
struct CheckpointRetention {
    /// The newest ones that are kept in any case.
    let keptCount: Int

    /// The steps that go, those that others are based on last.
    ///
    /// - Parameters:
    ///   - steps: of all checkpoints, rising.
    ///   - baseOf: the base of a checkpoint; nil for one that is whole by itself.
    func doomed(_ steps: [Int], baseOf: (Int) -> Int?) -> [Int] {
        let newest = steps.suffix(keptCount)
        var kept = Set(newest)
        kept.formUnion(newest.compactMap(baseOf))
        let roots = Set(newest.map { baseOf($0) ?? $0 })
        if roots.count == 1, let root = roots.first {
            let other = steps.last { (baseOf($0) ?? $0) != root }
            if let other { kept.formUnion([other, baseOf(other) ?? other]) }
        }
        return steps.reversed().filter { !kept.contains($0) }
    }
}
