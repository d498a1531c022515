import Dispatch
import Foundation
import Synchronization

/// A serial executor on a thread of its own, for actors that compute.
///
/// The cooperative pool has as many threads as cores, so computation on it would hold up every
/// heartbeat of the process (style: concurrency). Jobs run in the order in which they came.
public final class ThreadExecutor: SerialExecutor {
    private let state = Mutex(State())
    private let arrivals = DispatchSemaphore(value: 0)

    private struct State {
        var jobs: [UnownedJob] = []
        var isStopped = false
    }

    /// An executor whose thread has this name.
    ///
    /// The thread lives until `stop()`; it keeps the executor alive.
    public init(name: String) {
        let thread = Thread { self.runJobs() }
        thread.name = name
        thread.stackSize = ThreadExecutor.stackBytes
        thread.start()
    }

    /// Deep recursions do not occur; the decoders and the tape stay far below this.
    private static let stackBytes = 4 << 20

    /// What an actor on this executor returns as its `unownedExecutor`: safe, since the actor keeps
    /// the executor and so outlives the reference.
    @safe public var unowned: UnownedSerialExecutor { unsafe asUnownedSerialExecutor() }

    /// Takes a job to the end of the queue.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
        arrivals.signal()
    }

    /// Ends the thread once the jobs that are there have run.
    ///
    /// Actors on this executor must not be used afterwards.
    public func stop() {
        state.withLock { $0.isStopped = true }
        arrivals.signal()
    }

    private func runJobs() {
        while true {
            arrivals.wait()
            let jobs = state.withLock { state in
                let jobs = state.jobs
                state.jobs.removeAll(keepingCapacity: true)
                return jobs
            }
            for job in jobs {
                unsafe job.runSynchronously(on: asUnownedSerialExecutor())
            }
            if jobs.isEmpty && state.withLock({ $0.isStopped && $0.jobs.isEmpty }) { return }
        }
    }
}
