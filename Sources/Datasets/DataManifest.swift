public import Identity

/// What a data set consists of, byte by byte: two machines with equal digests hold the same
/// samples.
public struct DataManifest: Hashable, Sendable {
    /// One file of the data set.
    public struct Entry: Hashable, Sendable {
        /// Its name without directory and without the suffix of a compression.
        public let name: String
        /// Bytes of the decoded content.
        public let byteCount: Int
        /// SHA-256 over the decoded content.
        public let digest: Digest

        /// An entry of a file.
        public init(name: String, byteCount: Int, digest: Digest) {
            self.name = name
            self.byteCount = byteCount
            self.digest = digest
        }
    }

    /// The files in a fixed order.
    public let entries: [Entry]

    /// A manifest of `entries`, whose order is part of the digest.
    public init(entries: [Entry]) {
        self.entries = entries
    }

    /// SHA-256 over one line `name byteCount digest` for each entry.
    public var digest: Digest {
        var hasher = SHA256Hasher()
        for entry in entries {
            hasher.update("\(entry.name) \(entry.byteCount) \(entry.digest.hex)\n")
        }
        return hasher.finalize()
    }
}
