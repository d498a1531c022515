import CoordinatorCore
import Identity
import Messages

/// Digests of bits that nobody should have computed.
let wrongDigest = leafDigest(9, 9)
let otherWrongDigest = leafDigest(8, 8)

// What tests of disputes do again and again.
extension Bench {
    /// A run without exchanges, and workers that take part.
    static func withoutExchanges(
        slices: Int, _ names: [String], steps: Int = 3
    ) -> (Bench, [BenchWorker]) {
        var bench = Bench(benchSettings(steps: steps, slices: slices, rounds: 0))
        let workers = names.map { bench.join($0) }
        return (bench, workers)
    }

    /// A worker offers its result of a slice, and delivers it if it is wanted.
    @discardableResult
    mutating func handIn(
        _ worker: BenchWorker, _ slice: Int, step: Int = 0, digest: Digest? = nil,
        isFinite: Bool = true
    ) -> [Effect] {
        let offered = offer(worker, step: step, slice..<slice + 1)
        guard offered.verdicts == [.send] else { return offered }
        let leaf = Leaf(
            slice: SliceNumber(slice), digest: digest ?? leafDigest(step, slice),
            isFinite: isFinite, computeMilliseconds: 1)
        return ask(
            worker,
            .deliverNode(
                DeliverNode(
                    step: StepNumber(step), node: SliceRange(slice, slice + 1), leaves: [leaf])),
            onBulk: true)
    }

    /// The workers in a state, by name.
    func names(_ state: WorkerState) -> [String] {
        machine.status(at: now).workers.filter { $0.state == state }.map(\.name)
    }
}
