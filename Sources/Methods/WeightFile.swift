public import Identity
public import Networks
public import Storage
public import Tensors

internal import Buffers

/// A safetensors file of weights, read whole: tensors by name, and the digest of its bytes.
///
/// The file's structure is checked by `SafetensorsFile`, names and shapes by
/// `ParameterLayout.flatWeights`.
public struct WeightFile: Sendable {
    /// The file.
    public let path: String
    /// SHA-256 of its bytes.
    public let digest: Digest
    /// Its tensors of floats, F64 rounded to 32 bits.
    public let tensors: NamedTensors

    /// Reads the file at `path`.
    ///
    /// - Throws: `WeightFileError` if it cannot be read or holds a tensor that is not of floats;
    ///   `WeightNames.isIgnored` says which may be of another type.
    public init(contentsOf path: String) throws(WeightFileError) {
        let buffer: AlignedBuffer
        var tensors = NamedTensors()
        do throws(StorageError) {
            let file = try LocalFileSystem().open(path, .read)
            buffer = AlignedBuffer(uninitializedByteCount: try file.byteCount())
            var bytes = buffer.mutableBytes
            try file.read(at: 0, into: &bytes)
            try file.close()
            let arrays = try SafetensorsFile(buffer, path: path)
            for name in arrays.names {
                switch try arrays.type(name) {
                case .f32: tensors.append(name, try arrays.tensor(name))
                case .f64:
                    let values = try arrays.doubles(name).map { Float($0) }
                    tensors.append(name, Tensor(values, shape: try arrays.shape(name)))
                case .i32, .i64, .u8:
                    guard WeightNames.isIgnored(name) else {
                        throw .malformed(
                            path: path, reason: "tensor '\(name)' holds integers, no weights")
                    }
                }
            }
        } catch {
            throw .unreadable(error)
        }
        var hasher = SHA256Hasher()
        hasher.update(buffer.bytes)
        digest = hasher.finalize()
        self.path = path
        self.tensors = tensors
    }

    /// Flat parameters and buffers of an encoder.
    ///
    /// - Throws: `WeightFileError.mismatch` with everything that is wrong at once.
    public func weights(
        of encoder: ParameterLayout
    ) throws(WeightFileError) -> (parameters: Tensor, buffers: Tensor) {
        do throws(WeightMismatch) {
            return try encoder.flatWeights(from: tensors)
        } catch {
            throw .mismatch(path: path, error)
        }
    }
}

/// Why a weight file cannot be used.
public enum WeightFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It cannot be read, or is no safetensors file of floats.
    case unreadable(StorageError)
    /// Its tensors are not those of the network.
    case mismatch(path: String, WeightMismatch)
    /// Its bytes are not those that the run was begun with.
    case changed(path: String, expected: Digest, found: Digest)
    /// There is no encoder of this name.
    case unknownEncoder(name: String, known: [String])

    /// What, where, and what to do.
    public var description: String {
        switch self {
        case .unreadable(let error):
            "\(error)"
        case .mismatch(let path, let mismatch):
            "\(path): these are not the weights of this network: it \(mismatch)"
        case .changed(let path, let expected, let found):
            "\(path): has the SHA-256 \(found.shortHex), the run's weights have "
                + "\(expected.shortHex). Restore the file, or begin another run."
        case .unknownEncoder(let name, let known):
            "'\(name)' is no network of which weights can be read. There are "
                + known.joined(separator: ", ") + "."
        }
    }
}
