/// Where a method keeps a memory bank of one row a training image: for commands that look at a run
/// from its files alone.
public struct BankFiles: Sendable, Hashable {
    /// What the names of the bank's arrays begin with, in the tables' file of a checkpoint.
    public var prefix: String
    /// D, the length of a row and of an embedding.
    public var dim: Int

    /// A bank under these names.
    public init(prefix: String, dim: Int) {
        self.prefix = prefix
        self.dim = dim
    }
}
