public import Identity
import Storage

/// Holds a ledger against the schedule, record after record.
///
/// What it proves: steps follow one another without gap or repetition; every step holds exactly
/// the samples that the schedule gives it, in exactly its slices, each delivered once; every whole
/// pass over the data visits every sample of it exactly once; each step began with the version
/// that the one before it led to.
struct LedgerAudit {
    private let schedule: RunSchedule
    private var coverage: DataEpochCoverage
    private(set) var report: LedgerReport

    /// - Parameter firstVersion: that with which the run begins; nil if it cannot be told.
    init(_ schedule: RunSchedule, firstVersion: Digest?) {
        self.schedule = schedule
        coverage = DataEpochCoverage(count: schedule.count)
        report = LedgerReport(firstVersion: firstVersion)
        (report.stepsOfRun, report.stepsPerEpoch) = (schedule.steps, schedule.stepsPerEpoch)
    }

    /// Takes the next record.
    mutating func take(_ value: JSONValue) throws(Finding) {
        let line = report.steps + 1
        do throws(Problem) {
            try take(LedgerLine(value))
        } catch {
            throw Finding("ledger", line: line, "line \(line) \(error.reason)")
        }
    }

    private mutating func take(_ record: LedgerLine) throws(Problem) {
        let step = report.steps
        guard record.step == step else {
            throw Problem("is of step \(record.step), not of step \(step)")
        }
        guard step < schedule.steps else {
            throw Problem("is of step \(step) of a run of \(schedule.steps)")
        }
        let dataEpoch = step / schedule.stepsPerEpoch
        guard record.dataEpoch == dataEpoch else {
            throw Problem("has data epoch \(record.dataEpoch), step \(step) lies in \(dataEpoch)")
        }
        if let before = report.versions.last ?? report.firstVersion, record.version != before {
            throw Problem(
                "begins with version \(record.version.shortHex), "
                    + (step == 0
                        ? "the run with \(before.shortHex)"
                        : "line \(step) led to \(before.shortHex)"))
        }
        try compareSlices(record, step)
        try compareSamples(record, step)
        report.add(record)
    }

    private func compareSlices(_ record: LedgerLine, _ step: Int) throws(Problem) {
        let expected = schedule.rows(step)
        for (index, slice) in record.slices.enumerated() {
            guard index < expected.count, slice.slice == expected[index].slice else {
                let wanted = index < expected.count ? "\(expected[index].slice)" : "none"
                throw Problem("has slice \(slice.slice) where the schedule has \(wanted)")
            }
            guard slice.rows == expected[index].rows else {
                throw Problem(
                    "gives slice \(slice.slice) the rows \(slice.rows), the schedule "
                        + "\(expected[index].rows)")
            }
            guard slice.attempts > 0 else {
                throw Problem("has a result of slice \(slice.slice), which was never leased")
            }
        }
        guard record.slices.count == expected.count else {
            throw Problem("lacks slice \(expected[record.slices.count].slice)")
        }
    }

    private mutating func compareSamples(_ record: LedgerLine, _ step: Int) throws(Problem) {
        let samples = schedule.samples(step)
        guard samples.count == schedule.batchCount(step),
            samples.allSatisfy({ (0..<schedule.count).contains($0) })
        else { throw Problem("is of a step with samples that do not exist") }
        guard RunSchedule.digest(samples) == record.samples else {
            throw Problem("holds other samples than the schedule of step \(step)")
        }
        let place = step % schedule.stepsPerEpoch
        if place == 0 { coverage.begin() }
        if let twice = coverage.visit(samples) {
            throw Problem("visits sample \(twice) a second time in its data epoch")
        }
        if place == schedule.stepsPerEpoch - 1 {
            guard coverage.visited == schedule.samplesPerEpoch else {
                throw Problem(
                    "ends a data epoch after \(coverage.visited) of "
                        + "\(schedule.samplesPerEpoch) samples")
            }
            report.dataEpochs += 1
        }
    }
}

/// What a ledger was found to hold.
public struct LedgerReport: Hashable, Sendable {
    /// Slices that a worker has delivered.
    public struct Share: Hashable, Sendable {
        /// The worker's name.
        public var worker: String
        /// Its slices.
        public var slices: Int
    }

    /// Committed steps.
    public internal(set) var steps = 0
    /// Steps of the whole run.
    public internal(set) var stepsOfRun = 0
    /// Steps of one pass over the data.
    public internal(set) var stepsPerEpoch = 0
    /// Whole passes over the data.
    public internal(set) var dataEpochs = 0
    /// Samples counted, over all passes.
    public internal(set) var samples = 0
    /// Slices delivered.
    public internal(set) var slices = 0
    /// How often they were leased.
    public internal(set) var leases = 0
    /// Who delivered how many, by name.
    public internal(set) var workers: [Share] = []
    /// The version with which the run begins; nil if it could not be told.
    public let firstVersion: Digest?
    /// The version that each step led to.
    public internal(set) var versions: [Digest] = []
    /// Steps at which a whole checkpoint holds just the version that the ledger records.
    public internal(set) var checkpoints: [Int] = []
    /// Bytes of a last record that a crash has cut short.
    public internal(set) var tornByteCount = 0

    init(firstVersion: Digest?) { self.firstVersion = firstVersion }

    mutating func add(_ record: LedgerLine) {
        steps += 1
        versions.append(record.next)
        for slice in record.slices {
            samples += slice.rows.count
            slices += 1
            leases += slice.attempts
            if let index = workers.firstIndex(where: { $0.worker == slice.worker }) {
                workers[index].slices += 1
            } else {
                workers.append(Share(worker: slice.worker, slices: 1))
                workers.sort { $0.worker < $1.worker }
            }
        }
    }
}
