import Buffers
import Dispatch
import Synchronization

/// Gives memory back that connections have left behind.
///
/// Their buffers, nng's and mbedTLS's among them, are allocated on some threads and freed on
/// others, and each of the allocator's arenas keeps what was freed in it: after 2,000 conversations
/// over TLS that was 430 MB of 500.
enum NNGMemory {
    /// How long connections may go on ending before it is done, once for all of them.
    private static let pause = DispatchTimeInterval.seconds(1)
    private static let isDue = Mutex(false)

    /// A connection has ended: its memory, and that of others, goes back soon.
    static func connectionEnded(on queue: DispatchQueue) {
        let isFirst = isDue.withLock { isDue in
            defer { isDue = true }
            return !isDue
        }
        guard isFirst else { return }
        queue.asyncAfter(deadline: .now() + pause) {
            isDue.withLock { $0 = false }
            Allocator.trim()
        }
    }
}
