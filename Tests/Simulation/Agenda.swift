/// Simulated time, in nanoseconds.
typealias Nanoseconds = UInt64

extension Nanoseconds {
    /// So many milliseconds.
    static func milliseconds(_ count: UInt64) -> Nanoseconds { count * 1_000_000 }
    /// So many seconds.
    static func seconds(_ count: UInt64) -> Nanoseconds { count * 1_000_000_000 }
    /// As a `Duration`.
    var duration: Duration { .nanoseconds(Int64(self)) }
}

/// What will happen, in order of time; what is due at one time happens in the order in which it
/// was put down.
final class Agenda {
    private struct Entry {
        var time: Nanoseconds
        var number: UInt64
        var deed: () -> Void

        static func < (a: Entry, b: Entry) -> Bool {
            a.time != b.time ? a.time < b.time : a.number < b.number
        }
    }

    /// The time now.
    private(set) var now: Nanoseconds = 0
    private var heap: [Entry] = []
    private var entries: UInt64 = 0

    /// Puts a deed down for later.
    func after(_ pause: Nanoseconds, _ deed: @escaping () -> Void) { at(now + pause, deed) }

    /// Puts a deed down for a time that is not yet past.
    func at(_ time: Nanoseconds, _ deed: @escaping () -> Void) {
        entries += 1
        heap.append(Entry(time: max(time, now), number: entries, deed: deed))
        var place = heap.count - 1
        while place > 0, heap[place] < heap[(place - 1) / 2] {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    /// Lets time pass up to the next deed and does it; false if there is none.
    func runNext() -> Bool {
        guard let first = heap.first else { return false }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        now = first.time
        first.deed()
        return true
    }

    /// Forgets everything, so that nothing refers to the simulated world any more.
    func clear() { heap = [] }

    private func sink() {
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < heap.count {
                if heap[child] < heap[least] { least = child }
            }
            guard least != place else { return }
            heap.swapAt(place, least)
            place = least
        }
    }
}
