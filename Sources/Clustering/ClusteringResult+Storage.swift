public import Storage
internal import Tensors

extension ClusteringResult {
    /// Writes centers, labels, cosines and objectives as one safetensors file, durably.
    ///
    /// - Parameters:
    ///   - source: what the features were, for readers of the file and to tell clusterings apart.
    ///   - path: the file; after a crash the old or the new one is there.
    public func write(
        to path: String, source: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) {
        let dims = [labels.sampleCount, labels.perSample]
        try SafetensorsFile.write(
            [
                SafetensorsEntry("centers", .f32(centers)),
                SafetensorsEntry("labels", .i32(labels.labels, dims: dims)),
                SafetensorsEntry(
                    "similarities",
                    .f32(Tensor(labels.similarities, shape: Shape(dims)))),
                SafetensorsEntry("objectives", .f64(objectives)),
            ],
            metadata: [("source", source), ("centers", "unit length"), ("order", "best first")],
            to: path, fileSystem: fileSystem)
    }

    /// Reads what `write` wrote, checking every size and label.
    ///
    /// - Returns: the clustering and the `source` that it was written with.
    /// - Throws: `StorageError.malformed` where the parts do not fit together.
    public static func read(
        from path: String, fileSystem: any FileSystem = LocalFileSystem()
    ) throws(StorageError) -> (result: ClusteringResult, source: String) {
        let file = try SafetensorsFile(contentsOf: path, fileSystem: fileSystem)
        let centers = try file.tensor("centers")
        let dims = try file.dims("labels")
        let similarities = try file.tensor("similarities")
        guard centers.shape.rank == 2, dims.count == 2, dims[1] > 0,
            similarities.shape.dims == dims
        else {
            throw .malformed(
                path: path,
                reason: "holds centers \(centers.shape), labels \(dims), similarities "
                    + "\(similarities.shape): this is no clustering")
        }
        let clusterCount = centers.shape[0]
        let wide = try file.integers("labels")
        if let outside = wide.first(where: { $0 < 0 || $0 >= Int64(clusterCount) }) {
            throw .malformed(
                path: path, reason: "has the label \(outside), but \(clusterCount) centers")
        }
        let labels = ClusterLabels(
            perSample: dims[1], clusterCount: clusterCount, labels: wide.map { Int32($0) },
            similarities: similarities.values)
        let source = file.metadata.first { $0.key == "source" }?.value ?? ""
        let result = ClusteringResult(
            centers: centers, labels: labels, report: ClusterReport(labels: labels),
            objectives: try file.doubles("objectives"))
        return (result, source)
    }
}
