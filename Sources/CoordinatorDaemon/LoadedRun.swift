import Datasets
import Identity
import Messages
import Methods
import Optimizers

/// A run file with its data loaded: everything of a run that does not change.
struct LoadedRun: Sendable {
    let plan: RunPlan
    let dataset: ImageDataset
    let sampler: StepSampler
    let schedule: LearningRateSchedule
    let configDigest: Digest
    let fingerprint: Digest

    init(plan: RunPlan, dataset: ImageDataset, fingerprint: Digest) {
        self.plan = plan
        self.dataset = dataset
        self.fingerprint = fingerprint
        sampler = plan.sampler(count: dataset.count)
        schedule = plan.schedule
        configDigest = plan.configDigest
    }

    /// Of every slice of a step the data shards that a worker must hold for it; empty where each
    /// slice needs all.
    func shards(of step: Int) -> [[UInt32]] {
        sampler.shardsNeeded(step: step).map { $0.map { UInt32($0) } }
    }

    /// The slices of a step with their samples, in order; a slice of a short last batch may be
    /// empty.
    func tasks(of step: Int) -> [SliceTask] {
        let samples = sampler.indices(step: step)
        return (0..<sampler.slices).map { slice in
            SliceTask(
                step: StepNumber(step), slice: SliceNumber(slice),
                dataEpoch: UInt64(sampler.dataEpoch(step: step)),
                stepSamples: UInt32(samples.count),
                samples: samples[sampler.rows(step: step, slice: slice)].map { UInt32($0) })
        }
    }
}
