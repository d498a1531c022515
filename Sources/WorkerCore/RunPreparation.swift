import Datasets
import Identity
import Messages
import Methods
import RunFiles
import Threads

/// The preparation from a run file and a data set on disk, or from a clustering and its features.
actor RunPreparation: Preparation {
    private let executor = ThreadExecutor(name: "pleiad loader")
    private let dataDirectory: String?
    private let shards: [UInt32]
    private let features: [String]
    private let threads: Int
    private var prepared: PreparedRun?
    private var knownFingerprint: Digest?

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.unowned }

    /// A preparation that reads data from this directory, or from where the run file says, and
    /// keeps these shards of them, or all if none are named.
    ///
    /// - Parameters:
    ///   - features: files of a clustering's features; empty for where its coordinator found them.
    ///   - threads: threads that look through features and make centers ready.
    init(dataDirectory: String?, shards: [UInt32], features: [String] = [], threads: Int = 1) {
        self.dataDirectory = dataDirectory
        self.shards = shards
        (self.features, self.threads) = (features, threads)
    }

    deinit { executor.stop() }

    func fingerprint() -> Digest {
        let digest = knownFingerprint ?? NumericsFingerprint.digest()
        knownFingerprint = digest
        return digest
    }

    func prepare(_ welcome: Welcome) throws -> PreparedRun {
        if let prepared, prepared.configDigest == welcome.configDigest,
            prepared.dataDigest == welcome.dataDigest
        {
            return prepared
        }
        let run =
            if let clustering = try ClusteringPlan(text: welcome.runFile) {
                try prepared(for: clustering, welcome)
            } else {
                try preparedRun(welcome)
            }
        prepared = run
        return run
    }

    private func preparedRun(_ welcome: Welcome) throws -> PreparedRun {
        let plan = try RunPlan(text: welcome.runFile, file: "the coordinator's run file")
        guard plan.configDigest == welcome.configDigest else {
            throw Refusal(
                .configDiffers, "this program reads the coordinator's run file in another way")
        }
        let data = try plan.loadData(directory: dataDirectory).train
        guard data.digest == welcome.dataDigest else {
            throw Refusal(
                .dataDiffers,
                "the run's data are \(welcome.dataDigest.shortHex), here are "
                    + data.digest.shortHex)
        }
        return PreparedRun(
            method: plan.method.makeWorker(
                dataset: try held(of: data, plan), seed: plan.settings.seed),
            slices: plan.settings.batch.slices, seed: plan.settings.seed,
            configDigest: plan.configDigest, dataDigest: data.digest,
            gradientPrecision: plan.gradientPrecision)
    }

    /// A clustering is joined with features whose digest is that of the coordinator's.
    private func prepared(
        for plan: ClusteringPlan, _ welcome: Welcome
    ) throws -> PreparedRun {
        guard plan.digest == welcome.configDigest else {
            throw Refusal(
                .configDiffers, "this program reads the coordinator's clustering in another way")
        }
        let here = try ClusteringFeatures(
            files: features.isEmpty ? plan.features : features, threads: threads)
        guard here.digest == welcome.dataDigest else {
            throw Refusal(
                .dataDiffers,
                "\(here) have the digest \(here.digest.shortHex); those that are clustered are "
                    + "\(plan.sampleCount) x \(plan.dim), \(welcome.dataDigest.shortHex). "
                    + "Say with --features where the same files are here")
        }
        return PreparedRun(
            method: AssignmentWorker(plan, here, threads: threads), slices: plan.slices,
            seed: plan.seed, configDigest: plan.digest, dataDigest: here.digest,
            isSumming: false)
    }

    /// What this worker holds of the data.
    private func held(of data: ImageDataset, _ plan: RunPlan) throws -> ImageDataset {
        guard let last = shards.last else { return data }
        let all = plan.sampler(count: data.count).shards
        guard last < all.count else {
            throw Refusal(
                .badValue,
                "--shards names shard \(last); the run's data have \(all.count), numbered from 0 "
                    + "(data.shards of the run file)")
        }
        var ranges: [Range<Int>] = []
        for shard in shards {
            let range = all.samples(Int(shard))
            if let before = ranges.last, before.upperBound == range.lowerBound {
                ranges[ranges.count - 1] = before.lowerBound..<range.upperBound
            } else {
                ranges.append(range)
            }
        }
        return data.holding(ranges)
    }
}
