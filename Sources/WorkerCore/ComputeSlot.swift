import Threads

/// A compute thread of a worker. Slices run on it as straight lines, one at a time: a slice that
/// waits for the answer to its exchange gives its turn away, answered slices come before new ones.
actor ComputeSlot {
    nonisolated let index: Int
    nonisolated let meter: SlotMeter
    private let executor: ThreadExecutor
    private var isTaken = false
    private var answered: [CheckedContinuation<Void, Never>] = []
    private var new: [CheckedContinuation<Void, Never>] = []
    private var parkedCount = 0

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
        parkedCount += 1
        giveTurn()
        let result: Result<Value, any Error>
        do {
            result = .success(try await wait())
        } catch {
            result = .failure(error)
        }
        await takeTurn(isAnswered: true)
        parkedCount -= 1
        return try result.get()
    }

    private func takeTurn(isAnswered: Bool) async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { turn in
            if isAnswered {
                answered.append(turn)
            } else {
                new.append(turn)
            }
        }
    }

    /// Hands the turn to the slice that waits longest, answered ones first.
    private func giveTurn() {
        if !answered.isEmpty {
            answered.removeFirst().resume()
        } else if !new.isEmpty {
            new.removeFirst().resume()
        } else {
            isTaken = false
            meter.rest(hasParked: parkedCount > 0)
        }
    }
}
