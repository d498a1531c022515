public import Clustering
import Foundation
public import Identity
import Storage
import Tensors

/// A clustering as those are told of it who find nearest centers for it.
///
/// What they find follows from it, their features, and the centers that come with each step.
///
/// A step of such a run is an iteration, or the search for labels; its samples are numbers of
/// `SampleUnits`. Its version has the centers, and behind them the centroids of the cells if there
/// are any, as parameters; what is asked of them (`stage`, `depth`) as buffers.
public struct ClusteringPlan: Hashable, Sendable {
    /// What is clustered into; the number of iterations means nothing here.
    public var settings: ClusteringSettings
    /// Samples there are.
    public var sampleCount: Int
    /// Features of a sample.
    public var dim: Int
    /// How samples are prepared.
    public var preparation: FeaturePreparation
    /// The mean of each feature, subtracted where they are centred.
    public var mean: [Float]
    /// Where the coordinator found the features: for workers that are told no other place.
    public var features: [String]

    /// A plan for these samples, prepared or not.
    ///
    /// - Throws: `ClusteringPlanError` if it is beyond what can be handed out.
    public init(
        settings: ClusteringSettings, samples: Samples, preparation: FeaturePreparation,
        mean: [Float], features: [String]
    ) throws(ClusteringPlanError) {
        self.settings = settings
        (sampleCount, dim) = (samples.count, samples.dim)
        self.preparation = preparation
        self.mean = mean
        self.features = features
        try check()
    }

    /// Numbers of centers travel as floats, which hold every whole number up to this.
    public static let centersMax = 1 << 24
    /// Features of a sample at most: as a bound for what comes from elsewhere.
    private static let dimMax = 1 << 16

    private func check() throws(ClusteringPlanError) {
        guard (1...Self.centersMax).contains(settings.clusterCount) else {
            throw ClusteringPlanError(
                "\(settings.clusterCount) centers: workers can be asked for up to "
                    + "\(Self.centersMax)")
        }
        guard (1...Int(Int32.max)).contains(sampleCount), (1...Self.dimMax).contains(dim),
            mean.count == dim
        else {
            throw ClusteringPlanError(
                "\(sampleCount) samples of \(dim) features, a mean of \(mean.count): workers take "
                    + "up to \(Self.dimMax) features")
        }
        guard parameterCount <= Int(Int32.max) else {
            throw ClusteringPlanError(
                "\(settings.clusterCount) centers of \(dim) features are more than one message "
                    + "holds: cluster without workers")
        }
    }

    // MARK: Steps

    /// What leases name as the run's seed.
    public var seed: UInt64 { settings.seed }

    /// The samples as they are handed out.
    public var units: SampleUnits {
        SampleUnits(sampleCount: sampleCount, isInBatches: settings.batchCount != nil)
    }

    /// Centroids of cells that a version has; 0 where the search is exact.
    private var cellCount: Int {
        settings.search.cells(clusterCount: settings.clusterCount)?.cells ?? 0
    }

    /// Slices of a step: enough for many workers, none of them too short for its lease nor too long
    /// for its result.
    ///
    /// They decide who computes what, and no bit.
    public var slices: Int {
        let (rowsMin, rowsMax, fewest, most) = (1024, 1 << 16, 64, 4096)
        let stepRows = min(settings.batchCount ?? sampleCount, sampleCount)
        let wanted = min(fewest, stepRows / rowsMin)
        return max(1, min(most, max(wanted, (sampleCount + rowsMax - 1) / rowsMax)))
    }

    /// Bytes of the results of a slice at most.
    public var sliceBytesMax: Int {
        let sliceUnits = (units.count + slices - 1) / slices
        return 8 * sliceUnits * units.unitRows
            * min(settings.labelsPerSample, settings.clusterCount)
    }

    /// Floats of a version's parameters.
    public var parameterCount: Int { (settings.clusterCount + cellCount) * dim }

    // MARK: Versions

    /// What travels to workers for an order; its units travel in the leases.
    public func version(of order: AssignmentOrder) -> VersionTensors {
        let centers = order.centers.reshaped([order.centers.count])
        var parameters = centers
        if let centroids = order.centroids {
            parameters = centers.concatenatedRows(
                with: centroids.reshaped([centroids.count]))
        }
        let stage: Float = order.stage == .labels ? 1 : 0
        return VersionTensors(
            parameters: parameters, buffers: Tensor([stage, Float(order.depth)], shape: [2]))
    }

    /// The order that a version and a lease come to.
    ///
    /// - Throws: `ClusteringPlanError` if they are none of this clustering.
    public func order(
        step: Int, version: VersionTensors, units numbers: [Int]
    ) throws(ClusteringPlanError) -> AssignmentOrder {
        let (k, all) = (settings.clusterCount, settings.clusterCount + cellCount)
        guard version.parameters.count == parameterCount, version.buffers.count == 2 else {
            throw ClusteringPlanError(
                "the centers of step \(step) are \(version.parameters.count) floats, not "
                    + "\(parameterCount)")
        }
        let (stage, depth) = (version.buffers.span[0], version.buffers.span[1])
        guard stage == 0 || stage == 1, depth >= 1, depth <= Float(k) else {
            throw ClusteringPlanError("step \(step) asks for stage \(stage), \(depth) centers")
        }
        let unitCount = units.count
        if let outside = numbers.first(where: { $0 < 0 || $0 >= unitCount }) {
            throw ClusteringPlanError("step \(step) asks for unit \(outside) of \(unitCount)")
        }
        let matrix = version.parameters.reshaped([all, dim])
        return AssignmentOrder(
            stage: stage == 1 ? .labels : .iteration(step), centers: matrix.rows(0..<k),
            centroids: cellCount > 0 ? matrix.rows(k..<all) : nil, depth: Int(depth),
            units: numbers)
    }

    // MARK: As text

    /// Digest of what decides what is found: equal for everyone who may take part.
    public var digest: Digest {
        var plan = self
        plan.features = []
        return sha256(Array(plan.text.utf8))
    }

    /// As a coordinator's welcome carries it, in place of a run file: JSON.
    public var text: String { ClusteringPlanDocument(clustering: .init(self)).json }

    /// Reads the text of a welcome; nil if that is a run file.
    ///
    /// - Throws: `ClusteringPlanError` if it is a plan that cannot be used.
    public init?(text: String) throws(ClusteringPlanError) {
        guard text.hasPrefix("{") else { return nil }
        let data = Data(text.utf8)
        do {
            let fields = try JSONDecoder().decode(ClusteringPlanDocument.self, from: data)
            self = try fields.clustering.plan
        } catch let error as ClusteringPlanError {
            throw error
        } catch {
            throw ClusteringPlanError(
                "the coordinator's clustering cannot be read; install the same release on both "
                    + "hosts (\(error))")
        }
        try check()
    }
}

/// A clustering that workers cannot be asked about.
public struct ClusteringPlanError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What, where, and what to do.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// A plan as it travels; floats as their bits.
private struct ClusteringPlanDocument: JSONDocument, Codable {
    struct Fields: Codable {
        var centers: Int
        var spherical: Bool
        var labels: Int
        var seed: UInt64
        var batch: Int?
        var cells: Int?
        var probes: Int?
        var labelProbes: Int?
        var samples: Int
        var dim: Int
        var centred: Bool
        var unitLength: Bool
        var mean: [UInt32]
        var features: [String]
    }

    var clustering: Fields
}

extension ClusteringPlanDocument.Fields {
    init(_ plan: ClusteringPlan) {
        let settings = plan.settings
        centers = settings.clusterCount
        spherical = settings.spherical
        labels = settings.labelsPerSample
        seed = settings.seed
        batch = settings.batchCount
        let search = settings.search.cells(clusterCount: settings.clusterCount)
        (cells, probes, labelProbes) = (search?.cells, search?.probes, search?.labelProbes)
        (samples, dim) = (plan.sampleCount, plan.dim)
        (centred, unitLength) = (plan.preparation.centred, plan.preparation.unitLength)
        mean = plan.mean.map(\.bitPattern)
        features = plan.features
    }

    /// The plan, not checked yet but for what would trap.
    var plan: ClusteringPlan {
        get throws(ClusteringPlanError) {
            var search = SearchMethod.exact
            if let cells {
                guard (1...max(centers, 1)).contains(cells), let probes, let labelProbes,
                    probes >= 1, labelProbes >= 1
                else { throw ClusteringPlanError("\(cells) cells for \(centers) centers") }
                var wanted = CellSettings(clusterCount: 1)
                (wanted.cells, wanted.probes, wanted.labelProbes) = (cells, probes, labelProbes)
                search = .cells(wanted)
            }
            guard labels >= 1, batch ?? 1 >= 1 else {
                throw ClusteringPlanError("\(labels) labels, batches of \(batch ?? 0)")
            }
            return ClusteringPlan(
                read: ClusteringSettings(
                    clusterCount: centers, spherical: spherical, labelsPerSample: labels,
                    seed: seed, batchCount: batch, search: search),
                sampleCount: samples, dim: dim,
                preparation: FeaturePreparation(centred: centred, unitLength: unitLength),
                mean: mean.map(Float.init(bitPattern:)), features: features)
        }
    }
}

extension ClusteringPlan {
    fileprivate init(
        read settings: ClusteringSettings, sampleCount: Int, dim: Int,
        preparation: FeaturePreparation, mean: [Float], features: [String]
    ) {
        self.settings = settings
        (self.sampleCount, self.dim) = (sampleCount, dim)
        self.preparation = preparation
        self.mean = mean
        self.features = features
    }
}
