import Messages
import Methods
import Synchronization
import Tensors

/// The version of the open step, for workers to fetch.
///
/// It stands beside the engine, so that no fetch waits for a table step. A version is replaced,
/// never written: a fetch cannot see it torn, and one that is gone is refused.
final class VersionShelf: Sendable {
    private let held = Mutex<(name: FetchVersion, tensors: VersionTensors)?>(nil)

    /// A step opens with this version.
    func put(_ tensors: VersionTensors, name: FetchVersion) {
        held.withLock { $0 = (name, tensors) }
    }

    /// A step commits: its version is gone, and the optimizer may write where it lay.
    func clear() { held.withLock { $0 = nil } }

    /// The tensors to send for a version, or nil if it is gone.
    func tensors(of wanted: FetchVersion) -> NamedTensors? {
        guard let held = held.withLock({ $0 }), held.name == wanted else { return nil }
        return NamedTensors([
            "parameters": held.tensors.parameters, "buffers": held.tensors.buffers,
        ])
    }
}
