public import Networks
public import Storage
public import Tensors

/// Images from a file, scaled as the network wants them: a `.npy` array, or a tensor of a
/// safetensors file.
public struct FileImages: Sendable {
    /// The file.
    public let path: String

    /// - Parameter path: ends in `.npy` or `.safetensors`; there `images`, or the only tensor.
    public init(path: String) { self.path = path }

    /// `[count, channels, height, width]`.
    ///
    /// - Throws: `StorageError` naming file and reason, such as images of another size.
    public func images(for network: EmbeddingNetwork) throws(StorageError) -> Tensor {
        let images = try read()
        guard images.shape.rank == 4, images.shape[0] > 0 else {
            throw .malformed(
                path: path,
                reason: "has the shape \(images.shape), [images, channels, height, width] is "
                    + "needed")
        }
        if let expected = network.origin?.shape(count: images.shape[0]), images.shape != expected {
            throw .malformed(
                path: path,
                reason: "has images of \(images.shape.dims.dropFirst()), the network takes "
                    + "\(expected.dims.dropFirst())")
        }
        guard images.isFinite else {
            throw .malformed(path: path, reason: "holds numbers that are not finite")
        }
        return images
    }

    private func read() throws(StorageError) -> Tensor {
        guard path.hasSuffix(".safetensors") else { return try NPYFile.read(path) }
        let file = try SafetensorsFile(contentsOf: path)
        guard file.names.count == 1, let only = file.names.first else {
            return try file.tensor("images")
        }
        return try file.tensor(only)
    }
}
