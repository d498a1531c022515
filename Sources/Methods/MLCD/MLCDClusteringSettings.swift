internal import RunFiles

/// Where the classes of the images come from.
public enum MLCDLabelSource: Hashable, Sendable {
    /// A clustering of the images, made before training begins.
    case clustering(MLCDClusteringSettings)
    /// A file that `pleiad cluster` wrote, with a row of labels for every image, in order.
    case file(String)
}

/// The section `mlcd.clustering`: what is clustered, and how (sheet section 2.1).
public struct MLCDClusteringSettings: Hashable, Sendable {
    /// What is clustered.
    public enum Features: String, CaseIterable, Hashable, Sendable {
        /// The pixels of the plain images.
        case pixels
        /// A file of features, one row an image: `.npy` or safetensors.
        case file
    }

    /// What is clustered (key `features`).
    public var features: Features
    /// The file of features; nil for pixels (key `path`).
    public var path: String?
    /// Side of the squares over which pixels are averaged before (key `pooling`).
    ///
    /// 1 keeps every pixel; the cost is divided by the square.
    public var pooling: Int
    /// Whether centers are of unit length and the largest inner product wins (key `spherical`).
    public var spherical: Bool
    /// Whether the mean is subtracted before features are brought to unit length (key `centered`).
    public var centered: Bool
    /// T, the iterations of Lloyd (key `iterations`).
    public var iterations: Int
    /// The seed of the first centers and of splits (key `seed`).
    public var seed: UInt64

    init(from section: Section) {
        features = section.choice("features", default: .pixels)
        path = features == .file ? section.string("path") : nil
        pooling = features == .pixels ? section.int("pooling", in: 1...64, default: 1) : 1
        spherical = section.bool("spherical", default: true)
        centered = section.bool("centered", default: true)
        iterations = section.int("iterations", in: 1...10_000, default: 15)
        seed = section.unsigned("seed", default: 0)
    }
}
