public import Storage
public import Tensors

/// Features in a file, one row a sample: NumPy's `.npy`, or safetensors with one matrix.
public enum FeatureFile {
    /// Reads the matrix `[n, d]`.
    ///
    /// - Throws: `StorageError` if the file cannot be read or holds something else.
    public static func read(_ path: String) throws(StorageError) -> Tensor {
        if path.hasSuffix(".npy") { return try NPYFile.readMatrix(path) }
        let file = try SafetensorsFile(contentsOf: path)
        guard file.names.count == 1 else {
            throw .malformed(
                path: path, reason: "holds \(file.names.count) arrays, where one is expected")
        }
        let features = try file.tensor(file.names[0])
        guard features.shape.rank == 2 else {
            throw .malformed(path: path, reason: "holds \(features.shape), which is no matrix")
        }
        return features
    }
}
