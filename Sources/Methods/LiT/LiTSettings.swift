internal import Networks
internal import RunFiles

/// The section `lit` of a run file: the locked images, and the text tower that learns to meet them.
public struct LiTSettings: Hashable, Sendable {
    /// Embeddings of the training images (keys `images`, `imagesDigest`, `dim`).
    public var images: LiTImages
    /// C, the length of a token's vector (key `width`).
    public var width: Int
    /// Blocks of the text tower (key `depth`).
    public var depth: Int
    /// Attention heads of a block (key `heads`).
    public var heads: Int
    /// T, the tokens of a text: its bytes, begin and end (key `context`).
    public var context: Int

    /// Reads the section; mistakes are recorded in its document.
    init(from section: Section) {
        images = LiTImages(from: section)
        width = section.int("width", in: 1...8192, default: 64)
        depth = section.int("depth", in: 1...128, default: 3)
        heads = section.int("heads", in: 1...256, default: 4)
        context = section.int("context", in: 16...4096, default: 64)
        if width % heads != 0 {
            section.reject(
                "heads", "\(heads) heads do not divide a width of \(width)",
                allowed: "a divisor of width")
            heads = 1  // stands in, so that reading goes on
        }
    }

    /// The text tower's sizes.
    var transformer: TextTransformer.Settings {
        TextTransformer.Settings(
            vocabulary: ByteTokens.vocabulary, context: context, width: width, depth: depth,
            heads: heads, embeddingWidth: images.dim)
    }
}
