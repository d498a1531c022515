import Messages
import WorkerCore

/// A compute slot of a simulated worker: turns as in `ComputeSlot`, progress as in `SlotMeter`.
final class SlotTwin {
    let index: Int
    private var turns = SlotTurns<() -> Void>()
    private var phase = SlotPhase.idle
    private var step = StepNumber(0)
    private var slice = SliceNumber(0)
    private var ticks: UInt64 = 0
    /// Whether what it computes stands still.
    var isStuck = false {
        didSet { if !isStuck { release() } }
    }
    private var standing: [() -> Void] = []

    init(index: Int) { self.index = index }

    /// The slot works on a slice.
    func enter(_ phase: SlotPhase, _ key: LeaseKey) {
        ticks += 1
        (self.phase, step, slice) = (phase, key.step, key.slice)
    }

    /// The progress now; a loop that runs has moved since the last time.
    func progress(isMoving: Bool) -> SlotProgress {
        if isMoving, !isStuck, phase != .idle, phase != .parked { ticks += 1 }
        return SlotProgress(
            slot: UInt16(index), phase: phase, step: step, slice: slice, ticks: ticks)
    }

    /// Computes for a while, in a process.
    func compute(_ time: Nanoseconds, in process: SimulatedProcess, then: @escaping () -> Void) {
        process.after(time) { [weak self] in
            guard let self else { return }
            if isStuck { standing.append(then) } else { then() }
        }
    }

    /// Its process is gone: nothing waits for it any more.
    func clear() {
        turns = SlotTurns()
        standing = []
    }

    private func release() {
        let deeds = standing
        standing = []
        for deed in deeds { deed() }
    }

    /// Takes the turn, now or when it is free.
    func takeTurn(isAnswered: Bool, _ then: @escaping () -> Void) {
        if turns.take() { then() } else { turns.wait(then, isAnswered: isAnswered) }
    }

    /// Hands the turn to the slice that waits longest.
    func giveTurn() {
        if let next = turns.give() {
            next()
        } else {
            phase = turns.parkedCount > 0 ? .parked : .idle
        }
    }

    /// A slice gives its turn away while it waits for an answer.
    func park() {
        turns.park()
        giveTurn()
    }

    /// A slice has its answer and wants its turn back.
    func unpark(_ then: @escaping () -> Void) {
        takeTurn(isAnswered: true) { [self] in
            turns.unpark()
            then()
        }
    }
}
