import Identity
import Messages
import Methods
import Synchronization
import Tensors

/// The version of the open step, for workers to fetch.
///
/// It stands beside the engine, so that no fetch waits for a table step. A version is replaced,
/// never written: a fetch cannot see it torn, and one that is gone is refused.
final class VersionShelf: Sendable {
    private struct Held {
        var name: FetchVersion
        var averages: Digest?
        var tensors: VersionTensors
    }

    private let held = Mutex<Held?>(nil)

    /// A step opens with this version, whose averages have this digest.
    func put(_ tensors: VersionTensors, name: FetchVersion, averages: Digest? = nil) {
        held.withLock { $0 = Held(name: name, averages: averages, tensors: tensors) }
    }

    /// A step commits: its version is gone, and the optimizer may write where it lay.
    func clear() { held.withLock { $0 = nil } }

    /// The tensors to send for a version or for averages, or nil if they are gone.
    ///
    /// Averages go alone: whoever has the version before derives them.
    func tensors(of wanted: FetchVersion) -> NamedTensors? {
        guard let held = held.withLock({ $0 }), held.name.step == wanted.step else { return nil }
        if let averages = held.tensors.averages, held.averages == wanted.digest {
            return NamedTensors(["averages": averages])
        }
        guard held.name == wanted else { return nil }
        return NamedTensors([
            "parameters": held.tensors.parameters, "buffers": held.tensors.buffers,
        ])
    }
}
