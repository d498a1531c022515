/// Why a clustering cannot be made; each case says what to change.
public enum ClusteringError: Error, Equatable, Sendable {
    /// More clusters than samples, or none.
    case clusterCount(asked: Int, samples: Int)
    /// A feature is infinite or not a number.
    case notFinite(sample: Int)
    /// Start samples must be that many, distinct, and exist.
    case badStart(String)
    /// The numbers given for splitting empty clusters were too few.
    case drawsExhausted(used: Int)
    /// Centers to go on from do not fit the samples.
    case shapeMismatch(String)
    /// Whoever watches it has stopped it.
    case stopped
}

extension ClusteringError: CustomStringConvertible {
    /// One sentence for the user.
    public var description: String {
        switch self {
        case .clusterCount(let asked, let samples):
            "\(asked) clusters of \(samples) samples: give between 1 and \(samples) clusters"
        case .notFinite(let sample):
            "the features of sample \(sample) are not finite: make the features again"
        case .badStart(let detail):
            "the starting samples do not fit: \(detail)"
        case .drawsExhausted(let used):
            "\(used) given draws did not suffice to refill the empty clusters: give more"
        case .shapeMismatch(let detail):
            "features and centers do not fit each other: \(detail)"
        case .stopped: "the clustering was stopped"
        }
    }
}
