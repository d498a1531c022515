import Threads

/// A compute thread of a worker. Slices run on it as straight lines, one at a time: a slice that
/// waits for the answer to its exchange gives its turn away, answered slices come before new ones.
actor ComputeSlot {
    nonisolated let index: Int
    nonisolated let meter: SlotMeter
    private let executor: ThreadExecutor
    private var turns = SlotTurns<CheckedContinuation<Void, Never>>()

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.unowned }

    /// A slot with its thread.
    init(index: Int) {
        self.index = index
        meter = SlotMeter(slot: index)
        executor = ThreadExecutor(name: "pleiad slot \(index)")
    }

    deinit { executor.stop() }

    /// Computes a leased slice from its lease to its node.
    func compute(_ run: SliceRun) async -> SliceRun.Ending {
        await takeTurn(isAnswered: false)
        defer { giveTurn() }
        return await run.run(on: self)
    }

    /// Lets other slices compute while `wait` waits.
    func parked<Value: Sendable>(
        _ wait: @Sendable () async throws -> Value
    ) async throws -> Value {
        turns.park()
        giveTurn()
        let result: Result<Value, any Error>
        do {
            result = .success(try await wait())
        } catch {
            result = .failure(error)
        }
        await takeTurn(isAnswered: true)
        turns.unpark()
        return try result.get()
    }

    private func takeTurn(isAnswered: Bool) async {
        guard !turns.take() else { return }
        await withCheckedContinuation { turns.wait($0, isAnswered: isAnswered) }
    }

    private func giveTurn() {
        if let next = turns.give() {
            next.resume()
        } else {
            meter.rest(hasParked: turns.parkedCount > 0)
        }
    }
}
