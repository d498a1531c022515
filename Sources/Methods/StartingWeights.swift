public import Identity
internal import Networks
internal import RunFiles
internal import Storage
internal import Tensors

/// The weights that a run's encoder begins with, in place of drawn ones.
///
/// Keys of the section `network`: `weights`, the file, a free key; and `weightsDigest`, its
/// SHA-256, a bits key, which is filled in from the file where it is not given. So whoever has the
/// resolved run file (a worker, a restart) needs no file, and a changed file is another run.
public struct StartingWeights: Hashable, Sendable {
    /// The file.
    public let path: String
    /// SHA-256 of its bytes.
    public let digest: Digest

    /// Reads the keys; mistakes are recorded in the section's document.
    ///
    /// - Returns: nil if no weights are named; and the file if it had to be read.
    static func read(from section: Section) -> (weights: StartingWeights, file: WeightFile?)? {
        guard let path = section.optionalString("weights", .free) else {
            if section.has("weightsDigest") {
                section.reject("weightsDigest", "stands without weights", allowed: "both")
                _ = section.optionalString("weightsDigest")
            }
            return nil
        }
        if section.has("weightsDigest") {
            let hex = section.string("weightsDigest")
            let digest = Digest(hex: hex)
            if digest == nil {
                section.reject(
                    "weightsDigest", "is no SHA-256", allowed: "64 hexadecimal digits")
            }
            return (StartingWeights(path: path, digest: digest ?? .zero), nil)
        }
        do throws(WeightFileError) {
            let file = try WeightFile(contentsOf: path)
            _ = section.string("weightsDigest", default: file.digest.hex)
            return (StartingWeights(path: path, digest: file.digest), file)
        } catch {
            section.reject("weights", "\(error)", allowed: "a safetensors file of the encoder")
            _ = section.optionalString("weightsDigest")
            return nil
        }
    }

    /// A version whose image encoder has the file's weights.
    ///
    /// - Throws: `WeightFileError` if the file cannot be used or is not the run's.
    func applied(to version: VersionTensors, of method: any Method) throws -> VersionTensors {
        guard let encoder = method.imageNetwork?.encoderLayout else { return version }
        let file = try WeightFile(contentsOf: path)
        guard file.digest == digest else {
            throw WeightFileError.changed(path: path, expected: digest, found: file.digest)
        }
        let (parameters, buffers) = try file.weights(of: encoder)
        return VersionTensors(
            parameters: method.layout.parameters.replacing(
                encoder.parameters, by: parameters, in: version.parameters),
            buffers: method.layout.bufferLayout.replacing(
                encoder.bufferLayout, by: buffers, in: version.buffers))
    }
}
