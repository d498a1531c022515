import Datasets
import Identity
import Messages
import Methods
import RunFiles
import Threads

/// The preparation from a run file and a data set on disk.
actor RunPreparation: Preparation {
    private let executor = ThreadExecutor(name: "pleiad loader")
    private let dataDirectory: String?
    private let shards: [UInt32]
    private var prepared: PreparedRun?
    private var knownFingerprint: Digest?

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.unowned }

    /// A preparation that reads data from this directory, or from where the run file says, and
    /// keeps these shards of them, or all if none are named.
    init(dataDirectory: String?, shards: [UInt32]) {
        self.dataDirectory = dataDirectory
        self.shards = shards
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
        let run = PreparedRun(
            method: plan.method.makeWorker(
                dataset: try held(of: data, plan), seed: plan.settings.seed),
            slices: plan.settings.batch.slices, seed: plan.settings.seed,
            configDigest: plan.configDigest, dataDigest: data.digest,
            gradientPrecision: plan.gradientPrecision)
        prepared = run
        return run
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
