import Identity
import Methods

/// The digest that names a version, its averages' digest among what it is of.
///
/// - Parameter threads: threads that hash; they decide nothing.
func digest(of version: VersionTensors, threads: Int) -> Digest {
    version.digest(averages: version.averagesDigest(threads: threads), threads: threads)
}

extension Digest {
    /// Another name for what this digest names, the same in every process.
    func renamed(afterDoubt number: Int) -> Digest { sha256("\(hex) after doubt \(number)") }
}
