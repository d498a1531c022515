public import Evaluation
public import Networks
public import Tensors

// Zero-shot classification: images by the texts of their classes (MLCD sheet, section 5).
extension LiT {
    /// The names of the classes, in the order of their labels.
    public static var classNames: [String] { FashionCaptions.classNames }

    /// The prompts of each class, as tokens: its name in every sentence that captions have.
    public var classPrompts: [TokenSequences] {
        Self.classNames.map { towers.tokens.sequences(of: FashionCaptions.prompts(of: $0)) }
    }

    /// Embeddings `[texts, D]` under a version.
    public func embedded(_ texts: TokenSequences, _ version: VersionTensors) -> Tensor {
        towers.embedded(texts, version)
    }

    /// Embeddings `[texts, D]` of any texts under a version.
    public func embedded(texts: [String], _ version: VersionTensors) -> Tensor {
        towers.embedded(towers.tokens.sequences(of: texts), version)
    }

    /// A classifier of image embeddings, made of the prompts of the classes.
    public func zeroShotHead(_ version: VersionTensors) -> ZeroShotHead {
        ZeroShotHead(prompts: classPrompts.map { embedded($0, version) })
    }

    /// Embeddings `[count, dim]` of images, from a file that the locked tower wrote.
    ///
    /// - Throws: `StorageError` if the file cannot be read or has rows of another number;
    ///   `LiTError.wrongImages` if rows are of another length or hold what is no number.
    public static func imageEmbeddings(
        _ path: String, count: Int, dim: Int
    ) throws -> Tensor {
        let images = try FileFeatures(path: path, expectedCount: count).features()
        guard images.shape[1] == dim else {
            throw LiTError.wrongImages(
                path: path,
                problem: "has embeddings of \(images.shape[1]) numbers, the text tower's have "
                    + "\(dim)")
        }
        guard images.isFinite else {
            throw LiTError.wrongImages(path: path, problem: "holds numbers that are not finite")
        }
        return images
    }
}
