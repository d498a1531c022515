public import Storage

/// Something that a drill must find true, and what it found.
public struct Promise: Codable, Hashable, Sendable {
    /// What is promised.
    public var name: String
    /// Whether it held.
    public var held: Bool
    /// What was seen.
    public var detail: String
}

/// A time that is aimed at, over all faults that it is about.
public struct Target: Codable, Hashable, Sendable {
    /// What is timed.
    public var name: String
    /// How many faults it is about.
    public var count: Int
    /// The median of their times.
    public var medianSeconds: Double
    /// The longest.
    public var worstSeconds: Double
    /// The time aimed at.
    public var limitSeconds: Double
    /// Whether all of them were within it.
    public var isMet: Bool

    enum CodingKeys: String, CodingKey {
        case name, count
        case medianSeconds = "median_seconds"
        case worstSeconds = "worst_seconds"
        case limitSeconds = "limit_seconds"
        case isMet = "met"
    }
}

/// What a soak measured beside the faults.
public struct SoakFigures: Codable, Hashable, Sendable {
    /// Minutes under faults.
    public var minutes: Double
    /// Faults after which the run did not go on.
    public var hangs: Int
    /// Comparisons of open descriptors before a fault and after its healing.
    public var descriptorComparisons: Int
    /// Descriptors that were more, with their process.
    public var leakedDescriptors: [String]
    /// The largest growth of resident memory of a process after its warm-up, as a fraction, and
    /// whose it was; null if no process lived long enough.
    public var coordinatorGrowth: Double?
    /// The same for workers.
    public var workerGrowth: Double?
    /// Every life that was long enough, as a sentence.
    public var lives: [String]
    /// Lives that were too short to tell.
    public var shortLives: Int
    /// Committed work over all time, as a fraction of the rate without faults.
    public var goodput: Double?

    enum CodingKeys: String, CodingKey {
        case minutes, hangs, lives, goodput
        case descriptorComparisons = "descriptor_comparisons"
        case leakedDescriptors = "leaked_descriptors"
        case shortLives = "short_lives"
        case coordinatorGrowth = "coordinator_growth"
        case workerGrowth = "worker_growth"
    }
}

/// What a drill found.
public struct DrillReport: Codable, JSONDocument, Sendable {
    /// The run file.
    public var runFile: String
    /// The drill's seed.
    public var seed: UInt64
    /// Workers.
    public var workers: Int
    /// Committed steps.
    public var steps: Int
    /// Whether every promise held.
    public var passed: Bool
    /// Whether every time aimed at was met.
    public var targetsMet: Bool
    /// What must be true.
    public var promises: [Promise]
    /// What is aimed at.
    public var targets: [Target]
    /// Every fault.
    public var faults: [FaultReport]
    /// Committed steps that did not come back with their digests.
    public var stepsLost: Int
    /// Digest of the state at the end, if there is one.
    public var digest: String?
    /// That of the run without faults.
    public var faultFreeDigest: String?
    /// Median time of a step with faults.
    public var medianStepSeconds: Double?
    /// Without.
    public var faultFreeMedianStepSeconds: Double?
    /// The longest time without a commit, with faults.
    public var longestPauseSeconds: Double
    /// What a soak measured; null in a drill.
    public var soak: SoakFigures?
    /// Seconds that all took.
    public var seconds: Double
    /// Where the runs' files are, if they were kept.
    public var directory: String?

    enum CodingKeys: String, CodingKey {
        case seed, workers, steps, passed, promises, targets, faults, digest, soak, seconds
        case directory
        case runFile = "run_file"
        case targetsMet = "targets_met"
        case stepsLost = "steps_lost"
        case faultFreeDigest = "fault_free_digest"
        case medianStepSeconds = "median_step_seconds"
        case faultFreeMedianStepSeconds = "fault_free_median_step_seconds"
        case longestPauseSeconds = "longest_pause_seconds"
    }
}
