import Evaluation
import Storage
import Synchronization

/// The newest evaluation in a state directory, for status: another process writes it there.
///
/// The directory is looked at when somebody asks, and at most once a second however many do, since
/// the coordinator answers nobody else meanwhile.
final class EvaluationWatch: Sendable {
    private let directory: String
    private let files: any FileSystem
    private let clock = MonotonicClock()
    private let state = Mutex(State())

    private struct State {
        var lookedAt: Double?
        var newest: EvaluationRecord?
    }

    /// Seconds between two looks.
    private static let pause = 1.0

    init(directory: String, files: any FileSystem = LocalFileSystem()) {
        (self.directory, self.files) = (directory, files)
    }

    /// The newest evaluation; nil if there is none.
    ///
    /// A damaged one is passed over: status goes on, and `pleiad verify` names it.
    var newest: EvaluationRecord? { newest(at: clock.seconds) }

    func newest(at seconds: Double) -> EvaluationRecord? {
        state.withLock { state in
            if let lookedAt = state.lookedAt, seconds < lookedAt + Self.pause {
                return state.newest
            }
            state.lookedAt = seconds
            state.newest = try? EvaluationRecord.newest(in: directory, fileSystem: files)
            return state.newest
        }
    }
}
