/// What can go wrong in MLCD beyond its modules' own errors.
public enum MLCDError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Labels are asked for before `prepare` has made or loaded them.
    case noLabels
    /// Images cannot be cut into squares of this side for clustering.
    case badPooling(Int, height: Int, width: Int)
    /// A file of labels is not one of the run's images.
    case wrongLabels(file: String, problem: String)
    /// More classes than are stored may reach the threshold.
    case thresholdReachesAll(samples: Int, stored: Int)
    /// Rows of the table cannot begin as centers of another length.
    case centersOfOtherLength(Int, dim: Int)
    /// The run was ended while its images were clustered.
    case clusteringStopped
    /// A checkpoint was made with other labels.
    case otherLabels

    /// What, where, and what to do.
    public var description: String {
        switch self {
        case .noLabels: "the labels of the images are neither made nor loaded yet"
        case .badPooling(let pooling, let height, let width):
            "mlcd.clustering.pooling is \(pooling), which does not divide images of "
                + "\(height) x \(width): give a common divisor of both"
        case .wrongLabels(let file, let problem):
            "mlcd.labels: \(file) \(problem): give the clustering of the run's own images, in "
                + "their order"
        case .thresholdReachesAll(let samples, let stored):
            "mlcd.threshold: of \(samples) images all \(stored) stored classes reach it, and "
                + "more might: give a greater threshold or a greater mlcd.stored"
        case .centersOfOtherLength(let length, let dim):
            "mlcd.table.start: the clustering's centers have \(length) numbers, rows of the table "
                + "\(dim): give mlcd.dim \(length), or start: random"
        case .clusteringStopped:
            "the clustering was stopped: the next start begins it again"
        case .otherLabels:
            "the checkpoint was made with other labels than those in the state directory: "
                + "put labels.safetensors of that run back, or start in an empty directory"
        }
    }
}
