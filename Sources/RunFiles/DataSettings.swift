/// The section `data`: what is trained on.
public struct DataSettings: Hashable, Sendable {
    /// Where images come from.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// Fashion-MNIST: four gzipped IDX files.
        case fashionMNIST = "fashion-mnist"
        /// Any other data set in the four files of MNIST: 28 x 28, ten classes.
        case idx
        /// Square patches cut from Fashion-MNIST: images in any number.
        case patches
    }

    /// The patches of a data set of patches.
    public struct Patches: Hashable, Sendable {
        /// Rows and columns of a patch.
        public var side: Int
        /// Patches to train on.
        public var count: Int
        /// Decides images and places.
        public var seed: UInt64
    }

    /// Where images come from.
    public var kind: Kind
    /// The folder; nil for the place where the system's package puts it.
    ///
    /// A free key: the data set's digest says whether two peers have the same.
    public var path: String?
    /// What is cut where the kind is `patches` (keys `side`, `count`, `seed`).
    public var patches: Patches?
    /// Of other kinds the first so many training images (key `count`); nil for all.
    public var count: Int?
    /// Shards that the training data are cut into, by number.
    public var shards: Int

    init(from section: Section) {
        kind = section.choice("kind", default: .fashionMNIST)
        if kind == .patches {
            patches = Patches(
                side: section.int("side", in: 1...28, default: 14),
                count: section.int("count", in: 1...100_000_000),
                seed: section.unsigned("seed", default: 0))
        } else if section.has("count") {
            count = section.int("count", in: 1...100_000_000)
        }
        shards = section.int("shards", in: 1...65_536, default: 1, .later)
        path = section.optionalString("path", .free)
        if kind == .idx, path == nil {
            section.reject("path", "is missing", allowed: "the folder of the four IDX files")
        }
    }
}
