// What the thread sanitizer takes for races without `thread.c`, and what it must find with it.
//
//   race          threads that meet at a lock, blocks of a queue, a semaphore: no race
//   race true     the same with a value that two threads change without a lock: a race
import Dispatch
import Foundation
import Synchronization

final class Counter: Sendable {
    let value = Mutex(0)
    nonisolated(unsafe) var unguarded = 0
}

let counter = Counter()
let hasRace = CommandLine.arguments.contains("true")

func count() {
    for _ in 0..<10_000 {
        counter.value.withLock { $0 += 1 }
        if hasRace { unsafe counter.unguarded += 1 }
    }
}

let ended = DispatchSemaphore(value: 0)
let threads = (0..<4).map { _ in
    Thread {
        count()
        ended.signal()
    }
}
for thread in threads { thread.start() }
for _ in threads { ended.wait() }

let queue = DispatchQueue(label: "race")
for round in 0..<100 {
    let words = ["handed", "over", String(round)]
    queue.async {
        counter.value.withLock { $0 += words.count }
        ended.signal()
    }
    ended.wait()
}
print(counter.value.withLock { $0 })
