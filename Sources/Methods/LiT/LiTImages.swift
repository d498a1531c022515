internal import Buffers
internal import Evaluation
public import Identity
internal import RunFiles
internal import Storage
internal import Tensors

/// The locked image tower: embeddings of the training images, from a file.
///
/// Keys of the section `lit`: `images`, the file, a free key; `imagesDigest`, its SHA-256, and
/// `dim`, the length of an embedding, two bits keys that are filled in from the file where they
/// are not given. So whoever has the resolved run file and computes texts alone needs no file.
public struct LiTImages: Hashable, Sendable {
    /// The file: `.npy` or safetensors, one row an image.
    public let path: String
    /// SHA-256 of its bytes.
    public let digest: Digest
    /// D, the length of an embedding.
    public let dim: Int

    /// The longest embedding.
    private static let dimMax = 8192

    /// Reads the keys; mistakes are recorded in the section's document.
    init(from section: Section) {
        path = section.string("images", .free)
        if section.has("imagesDigest"), section.has("dim") {
            let digest = Digest(hex: section.string("imagesDigest"))
            if digest == nil {
                section.reject("imagesDigest", "is no SHA-256", allowed: "64 hexadecimal digits")
            }
            self.digest = digest ?? .zero
            dim = section.int("dim", in: 1...Self.dimMax)
            return
        }
        do throws(StorageError) {
            // A missing key is a mistake already; its placeholder is no file.
            guard section.has("images") else {
                throw .malformed(path: path, reason: "is no file of embeddings")
            }
            let found = try Self.digest(of: path)
            let width = try FileFeatures(path: path).features().shape[1]
            let given = section.string("imagesDigest", default: found.hex)
            if given != found.hex {
                section.reject(
                    "imagesDigest", "is not the SHA-256 of \(path)", allowed: found.hex)
            }
            dim = section.int("dim", in: 1...Self.dimMax, default: min(width, Self.dimMax))
            digest = found
            if dim != width {
                section.reject(
                    "dim", "is \(dim), embeddings in \(path) have \(width) numbers",
                    allowed: "\(width)")
            }
        } catch {
            if section.has("images") {
                section.reject(
                    "images", "\(error)", allowed: "a file that pleiad embed wrote")
            }
            _ = section.optionalString("imagesDigest")
            digest = .zero
            dim = section.int("dim", in: 1...Self.dimMax, default: 1)
        }
    }

    /// The embeddings `[count, dim]` of the training images.
    ///
    /// - Throws: `StorageError` if the file cannot be read or has rows of another number;
    ///   `LiTError` if it is not the run's or holds what is no number.
    func embeddings(count: Int) throws -> Tensor {
        let found = try Self.digest(of: path)
        guard found == digest else {
            throw LiTError.changedImages(path: path, expected: digest, found: found)
        }
        return try LiT.imageEmbeddings(path, count: count, dim: dim)
    }

    private static func digest(of path: String) throws(StorageError) -> Digest {
        let file = try LocalFileSystem().open(path, .read)
        let buffer = AlignedBuffer(uninitializedByteCount: try file.byteCount())
        var bytes = buffer.mutableBytes
        try file.read(at: 0, into: &bytes)
        try file.close()
        var hasher = SHA256Hasher()
        hasher.update(buffer.bytes)
        return hasher.finalize()
    }
}
