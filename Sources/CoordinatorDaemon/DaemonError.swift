import CoordinatorCore
import Messages

/// What can go wrong with a coordinator before or while it serves.
public enum DaemonError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The state directory belongs to another run: a key that decides bits differs.
    case anotherRun(directory: String, difference: String)
    /// The state directory was made with data that differ.
    case otherData(directory: String)
    /// This machine computes other bits than those in the state directory.
    case otherFingerprint(directory: String)
    /// The directory holds no run.
    case noRun(directory: String)
    /// The directory holds no whole checkpoint.
    case noCheckpoint(directory: String)
    /// The directory holds no checkpoint of this step.
    case noCheckpointOf(step: Int, directory: String, there: [Int])
    /// A file of the state directory does not hold what it should.
    case badState(file: String, reason: String)
    /// A step computed again came out different from its ledger record.
    case differsFromLedger(step: Int, difference: String)
    /// A step's summed result holds infinities or NaNs; nothing of it was applied.
    case notFinite(step: Int, slices: String)
    /// Listening on an address that others can reach needs a word from the operator.
    case notLoopback(url: String)

    /// What, where, and what to do.
    public var description: String {
        switch self {
        case .anotherRun(let directory, let difference):
            "\(directory) holds another run: \(difference). "
                + "Choose another --state directory, or use the run file that made this one "
                + "(\(directory)/run.yaml)."
        case .otherData(let directory):
            "\(directory) was made with other data. Point the run file's data.path at the same "
                + "files, or choose another --state directory."
        case .otherFingerprint(let directory):
            "This machine computes other bits than the run in \(directory) was made with. "
                + "Continue it with the same release on a processor of the same kind, "
                + "or choose another --state directory."
        case .noRun(let directory):
            "\(directory) holds no run: run.yaml is missing. Name the --state directory of a run."
        case .noCheckpoint(let directory):
            "\(directory) holds no whole checkpoint yet. Wait for the first one, or start the run."
        case .noCheckpointOf(let step, let directory, let there):
            "\(directory) holds no checkpoint of step \(step). There are those of "
                + there.map { "\($0)" }.joined(separator: ", ") + "."
        case .badState(let file, let reason):
            "\(file): \(reason). Restore it from a copy, or choose another --state directory."
        case .differsFromLedger(let step, let difference):
            "Step \(step), computed again, differs from its ledger record in \(difference). "
                + "A memory or processor fault, or another release, is the likely cause; "
                + "the checkpoint and the ledger are left as they are."
        case .notFinite(let step, let slices):
            "Step \(step) came out with numbers that are not finite (\(slices)), whoever computes "
                + "it; nothing of it was applied. Lower the learning rate, set optimizer.clipNorm, "
                + "or set optimizer.onNotFinite to skip such steps."
        case .notLoopback(let url):
            "\(url) can be reached from other hosts, and plain tcp is open to anyone there. "
                + "Listen on 127.0.0.1, or say --insecure if the network is closed."
        }
    }
}

extension DaemonError {
    /// Whether the cause is what the user gave, rather than a failure on the way.
    public var isBadInput: Bool {
        switch self {
        case .anotherRun, .otherData, .otherFingerprint, .noRun, .noCheckpoint, .noCheckpointOf,
            .notLoopback:
            true
        case .badState, .differsFromLedger, .notFinite: false
        }
    }
}
