/// What a prefetcher has in hand: decisions only, no thread, no waiting.
///
/// An entry is hinted, then being made, then ready. At most `capacity` entries exist; a new hint
/// pushes out the oldest entry that nobody is making, and is refused when there is none.
struct PrefetchBook<Key: Hashable & Sendable, Value: Sendable> {
    enum State {
        case hinted
        case making
        case ready(Value)
    }

    /// What `take` found.
    enum Found {
        case ready(Value)
        /// Somebody is at it: wait and ask again.
        case making
        /// Never hinted, pushed out, or not begun: make it yourself.
        case absent
    }

    let capacity: Int
    /// Oldest first; a few entries, so that a scan is cheaper than a dictionary.
    private(set) var entries: [(key: Key, state: State)] = []

    init(capacity: Int) {
        precondition(capacity > 0, "capacity \(capacity)")
        self.capacity = capacity
    }

    /// Notes that `key` is likely to be wanted; false if it is known already or there is no room.
    mutating func hint(_ key: Key) -> Bool {
        guard !entries.contains(where: { $0.key == key }) else { return false }
        if entries.count == capacity {
            let idle = entries.firstIndex {
                if case .making = $0.state { return false }
                return true
            }
            guard let idle else { return false }
            entries.remove(at: idle)
        }
        entries.append((key, .hinted))
        return true
    }

    /// The oldest hint, now marked as being made; nil if there is nothing to do.
    mutating func begin() -> Key? {
        let next = entries.firstIndex {
            if case .hinted = $0.state { return true }
            return false
        }
        guard let next else { return nil }
        entries[next].state = .making
        return entries[next].key
    }

    /// Stores what was made for `key`.
    mutating func finish(_ key: Key, _ value: Value) {
        guard let at = entries.firstIndex(where: { $0.key == key }) else { return }
        entries[at].state = .ready(value)
    }

    /// Hands out the value of `key` if it is there; the entry is gone then, and also if its making
    /// has not begun, for the caller does it now.
    mutating func take(_ key: Key) -> Found {
        guard let at = entries.firstIndex(where: { $0.key == key }) else { return .absent }
        switch entries[at].state {
        case .hinted:
            entries.remove(at: at)
            return .absent
        case .making:
            return .making
        case .ready(let value):
            entries.remove(at: at)
            return .ready(value)
        }
    }

    /// Forgets everything that nobody is making.
    mutating func forgetIdle() {
        entries.removeAll {
            if case .making = $0.state { return false }
            return true
        }
    }
}
