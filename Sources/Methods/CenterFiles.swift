/// Where a method keeps centers of classes and which samples belong to them: for commands that look
/// at a run from its files alone.
public struct CenterFiles: Sendable, Hashable {
    /// What the names of the table's arrays begin with, in the tables' file of a checkpoint.
    public var prefix: String
    /// Number of centers.
    public var rowCount: Int
    /// D, the length of a center and of an embedding.
    public var dim: Int
    /// The file of the state directory that holds the samples' labels, as a clustering writes it.
    public var labels: String
    /// The array in the tables' file with the digest of those labels, as
    /// `Digest.littleEndianWords`.
    public var labelsDigest: String

    /// Files of these names.
    public init(
        prefix: String, rowCount: Int, dim: Int, labels: String, labelsDigest: String
    ) {
        self.prefix = prefix
        self.rowCount = rowCount
        self.dim = dim
        self.labels = labels
        self.labelsDigest = labelsDigest
    }
}
