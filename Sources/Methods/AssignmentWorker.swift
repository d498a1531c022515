internal import Clustering
public import Identity
public import Optimizers
public import Tensors

/// The worker's part of a clustering: nearest centers of the units of a slice.
///
/// No gradient, no exchange: a slice's result is its rows `centers` and `scores`, which the step's
/// tree puts one after the other.
public struct AssignmentWorker: WorkerMethod {
    private let plan: ClusteringPlan
    private let search: AssignmentSearch

    /// A worker on features that are the clustering's.
    ///
    /// - Parameters:
    ///   - features: have the digest of those that are clustered.
    ///   - threads: threads that make centers ready; without influence on results.
    public init(_ plan: ClusteringPlan, _ features: ClusteringFeatures, threads: Int) {
        self.plan = plan
        let survey = SampleSurvey(mean: plan.mean, digest: features.digest)
        search = AssignmentSearch(
            features.samples.prepared(plan.preparation, survey: survey), settings: plan.settings,
            threads: threads)
    }

    /// None: samples are read where they are looked up.
    public func views(of work: SliceWork) throws -> [Tensor] { [] }

    /// The nearest centers of the slice's samples.
    public func run(
        _ work: SliceWork, views: [Tensor], version: VersionTensors,
        progress: any SliceProgress,
        exchange: (_ round: Int, _ input: NamedTensors) async throws -> NamedTensors
    ) async throws -> SliceResult {
        let order = try plan.order(step: work.step, version: version, units: work.samples)
        return SliceResult(assignment: search.nearest(order) { progress.tick() })
    }
}

/// Files of features as they lie here, and what they are.
public struct ClusteringFeatures: Sendable, CustomStringConvertible {
    /// Names them by their bytes.
    public let digest: Digest
    /// Where they are, and how many.
    public let description: String
    let samples: Samples

    /// Maps the files and looks through them.
    ///
    /// - Throws: `ClusteringPlanError` if they cannot be read.
    public init(files: [String], threads: Int) throws(ClusteringPlanError) {
        do {
            samples = try Samples(mapping: files)
        } catch {
            throw ClusteringPlanError("\(error). Say with --features where the features are here")
        }
        digest = samples.digest(threads: threads)
        description =
            "the features in \(files.joined(separator: ", ")), \(samples.count) x \(samples.dim),"
    }
}

extension SliceResult {
    /// Nearest centers as they travel: two matrices `[r, depth]` of floats.
    @inline(never)
    init(assignment found: NearestCenters) {
        let shape: Shape = [found.scores.count / found.depth, found.depth]
        var numbers = Tensor(uninitialized: shape)
        var output = numbers.mutableSpan
        for place in 0..<found.centers.count { output[place] = Float(found.centers[place]) }
        self.init(
            gradient: Tensor(zeros: [0]), statistics: Tensor(zeros: [0]), sums: [],
            rows: NamedTensors(["centers": numbers, "scores": Tensor(found.scores, shape: shape)]))
    }

    /// What is wrong with nearest centers that came from elsewhere, as a sentence; nil if nothing.
    ///
    /// - Parameters:
    ///   - rowCount: samples that they are of; nil for any number.
    ///   - depth: centers of each sample; nil for any number.
    @inline(never)
    public func assignmentProblem(centerCount: Int, rowCount: Int?, depth: Int?) -> String? {
        guard gradient.count == 0, statistics.count == 0, sums.isEmpty,
            rows.entries.map(\.name) == ["centers", "scores"]
        else { return "nearest centers are the rows 'centers' and 'scores' and nothing else" }
        let (numbers, scores) = (rows.entries[0].tensor, rows.entries[1].tensor)
        guard numbers.shape == scores.shape, numbers.shape.rank == 2 else {
            return "centers \(numbers.shape), scores \(scores.shape)"
        }
        guard numbers.shape[0] == rowCount ?? numbers.shape[0],
            numbers.shape[1] == depth ?? numbers.shape[1]
        else { return "centers \(numbers.shape), asked was [\(rowCount ?? 0), \(depth ?? 0)]" }
        let values = numbers.span
        for place in 0..<values.count {
            let value = values[place]
            guard value >= 0, value < Float(centerCount), Float(Int32(value)) == value else {
                return "center \(value) of \(centerCount)"
            }
        }
        return nil
    }

    /// Puts nearest centers where they belong.
    ///
    /// - Precondition: they have no problem, and fit from `first` on.
    @inline(never)
    public func copyAssignment(
        to centers: inout [Int32], _ scores: inout [Float], from first: Int
    ) {
        let (numbers, values) = (rows.entries[0].tensor, rows.entries[1].tensor)
        let (from, given) = (numbers.span, values.span)
        for place in 0..<from.count {
            centers[first + place] = Int32(from[place])
            scores[first + place] = given[place]
        }
    }
}
