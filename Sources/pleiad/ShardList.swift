import ArgumentParser
import Messages

/// Numbers of data shards as the command line has them: `0-3,7`.
struct ShardList: ExpressibleByArgument {
    /// Rising, none twice.
    let numbers: [UInt32]

    init?(argument: String) {
        var numbers: Set<UInt32> = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false)
                .map { UInt32($0) }
            guard let first = bounds[0], let last = bounds[bounds.count - 1], bounds.count <= 2,
                first <= last, last < UInt32(MessageLimits.shards)
            else { return nil }
            numbers.formUnion(first...last)
        }
        self.numbers = numbers.sorted()
    }
}
