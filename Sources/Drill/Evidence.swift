import CoordinatorDaemon
import Foundation
import Identity
import Storage

/// What a training left behind: what was seen while it ran, and what its files say at its end.
struct Evidence: Sendable {
    /// What was seen.
    var timeline: Timeline
    /// The ledger's records at the end, checksums verified.
    var ledger: [LedgerRecord]
    /// What is wrong with the ledger, if anything.
    var ledgerProblem: String?
    /// Digest of the newest checkpoint, and its steps.
    var digest: String?
    /// Steps of that checkpoint.
    var digestStep: Int
    /// Why the training ended before its time, if it did.
    var failure: String?

    /// Evidence with these values.
    init(timeline: Timeline, ledger: [LedgerRecord], digest: String?, digestStep: Int) {
        self.timeline = timeline
        self.ledger = ledger
        self.digest = digest
        self.digestStep = digestStep
    }

    /// Reads what is below the state directory.
    init(_ timeline: Timeline, state: String, failure: String?) {
        self.timeline = timeline
        self.failure = failure
        ledger = []
        do {
            var records: [LedgerRecord?] = []
            let count = try AppendOnlyLog.read(state + "/ledger") { _, value in
                records.append(LedgerRecord(json: value))
            }
            var tail = FileTail(path: state + "/ledger")
            let lines = tail.newLines()
            ledger = records.compactMap { $0 }
            if count != lines.count || count != ledger.count {
                ledgerProblem =
                    "of \(lines.count) lines of the ledger \(min(count, ledger.count)) are sound"
            }
        } catch {
            ledgerProblem = "\(error)"
        }
        // Without a whole checkpoint there is no digest, which breaks a promise.
        let digests = try? StoredRun(directory: state).digests()
        digest = digests?.all.hex
        digestStep = digests?.step ?? 0
    }

    /// Committed steps that were seen and are not in the ledger with their digests.
    var stepsLost: [Int] {
        timeline.commits.enumerated().compactMap { place, commit in
            let isThere = place < ledger.count && ledger[place].hasSameBits(as: commit.record)
            return isThere && commit.record.step == place ? nil : commit.record.step
        }
    }

    /// Steps whose bits differ from another run's, over those that both have.
    func differences(from other: Evidence) -> [Int] {
        zip(ledger, other.ledger).filter { !$0.hasSameBits(as: $1) }.map(\.0.step)
    }
}
