import Dispatch
import Storage
import Synchronization

/// A ledger record on its way to the disk, on a thread of its own, while the tables move.
final class PendingAppend: Sendable {
    private let done = DispatchSemaphore(value: 0)
    private let failure = Mutex<StorageError?>(nil)
    private static let queue = DispatchQueue(label: "pleiad-ledger")

    /// Begins to append the record; records reach the disk in the order in which they were begun.
    init(_ record: LedgerRecord, to directory: RunDirectory) {
        Self.queue.async {
            do throws(StorageError) {
                try directory.append(record)
            } catch {
                self.failure.withLock { $0 = error }
            }
            self.done.signal()
        }
    }

    /// Blocks the engine's thread until the record is on disk.
    ///
    /// To be called once. Throws if the record could not be written.
    func wait() throws(StorageError) {
        done.wait()
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}
