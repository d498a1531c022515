import Messages
import Methods
import Synchronization

/// What a slot is doing, for the heartbeat.
///
/// The compute loop itself advances the ticks.
final class SlotMeter: Sendable {
    private struct Place {
        var phase = SlotPhase.idle
        var step = StepNumber(0)
        var slice = SliceNumber(0)
    }

    private let slot: Int
    private let ticks = Atomic<UInt64>(0)
    private let place = Mutex(Place())

    init(slot: Int) { self.slot = slot }

    /// The slot works on a slice.
    func enter(_ phase: SlotPhase, _ key: LeaseKey) {
        ticks.wrappingAdd(1, ordering: .relaxed)
        place.withLock { $0 = Place(phase: phase, step: key.step, slice: key.slice) }
    }

    /// The slot has nothing to compute; `hasParked` tells whether slices wait for answers.
    func rest(hasParked: Bool) {
        place.withLock { $0.phase = hasParked ? .parked : .idle }
    }

    /// The compute loop has made progress.
    func tick() { ticks.wrappingAdd(1, ordering: .relaxed) }

    /// The progress now.
    var progress: SlotProgress {
        let place = place.withLock { $0 }
        return SlotProgress(
            slot: UInt16(slot), phase: place.phase, step: place.step, slice: place.slice,
            ticks: ticks.load(ordering: .relaxed))
    }
}

/// The progress of one slice on its slot.
struct SliceMeter: SliceProgress {
    var meter: SlotMeter
    var key: LeaseKey

    func tick() { meter.tick() }
    func beginBackward() { meter.enter(.backward, key) }
}
