import Datasets
import Identity
import Methods
import RunFiles

/// What run file and number of samples say about every step: what a ledger is held against.
///
/// Rows and data epochs are computed here once more, from design section 2, point 1, and not by
/// the code that makes the steps. Samples come from the sampler; that it forgets or repeats none,
/// `DataEpochCoverage` counts.
struct RunSchedule: Sendable {
    /// Samples in the data set.
    let count: Int
    /// Samples of a step, less in the last of a data epoch without `dropLast`.
    let batch: Int
    /// Slices of a step.
    let slices: Int
    /// Whether what is left over at the end of a data epoch is dropped.
    let dropLast: Bool
    /// Steps of the run.
    let steps: Int
    private let sampler: StepSampler

    init(_ plan: RunPlan, count: Int) throws(Finding) {
        let settings = plan.settings
        (batch, slices) = (settings.batch.samples, settings.batch.slices)
        (dropLast, steps) = (settings.batch.dropLast, settings.steps)
        self.count = count
        guard count > 0, count < 1 << 32, !dropLast || batch <= count else {
            throw Finding("numerics.json", "\(count) samples cannot be those of this run")
        }
        sampler = plan.sampler(count: count)
    }

    /// Steps of one pass over the data.
    var stepsPerEpoch: Int { count / batch + (dropLast || count % batch == 0 ? 0 : 1) }

    /// Samples that a whole pass over the data visits.
    var samplesPerEpoch: Int { dropLast ? count / batch * batch : count }

    /// Samples of a step.
    func batchCount(_ step: Int) -> Int { min(batch, count - step % stepsPerEpoch * batch) }

    /// The slices of a step that hold samples, with their rows: slice s holds
    /// floor(s n / S) ..< floor((s + 1) n / S).
    func rows(_ step: Int) -> [(slice: Int, rows: Range<Int>)] {
        let n = batchCount(step)
        return (0..<slices).map { ($0, ($0 * n / slices)..<(($0 + 1) * n / slices)) }
            .filter { !$0.1.isEmpty }
    }

    /// The samples of a step in batch order.
    func samples(_ step: Int) -> [Int] { sampler.indices(step: step) }

    /// The digest by which a ledger record names the samples of its step: SHA-256 over their
    /// numbers in batch order, each as four bytes, the lowest first.
    static func digest(_ samples: [Int]) -> Digest {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * samples.count)
        for sample in samples {
            for shift in stride(from: 0, to: 32, by: 8) {
                bytes.append(UInt8(sample >> shift & 0xff))
            }
        }
        return sha256(bytes)
    }
}

/// Which samples a pass over the data has visited.
struct DataEpochCoverage: Sendable {
    private let count: Int
    /// One bit a sample, from the first pass on: a number of samples that no record bears out takes
    /// no memory.
    private var seen: [UInt64] = []
    /// Samples visited so far.
    private(set) var visited = 0

    init(count: Int) { self.count = count }

    /// Begins the next pass.
    mutating func begin() {
        seen = Array(repeating: 0, count: (count + 63) / 64)
        visited = 0
    }

    /// Notes the samples of a step; gives one that was visited before, if there is one.
    mutating func visit(_ samples: [Int]) -> Int? {
        for sample in samples {
            let (word, bit) = (sample / 64, UInt64(1) << UInt64(sample % 64))
            guard seen[word] & bit == 0 else { return sample }
            seen[word] |= bit
        }
        visited += samples.count
        return nil
    }
}
