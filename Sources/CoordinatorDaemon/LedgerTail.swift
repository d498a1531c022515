/// The records of a ledger that a start on it may need: those from the oldest checkpoint on.
///
/// A ledger has a record for every step ever made; what lies before every checkpoint is read, to be
/// checked, and not kept.
struct LedgerTail: Sendable {
    /// Steps that the whole ledger records.
    private(set) var stepCount = 0
    private let firstStep: Int
    private var records: [LedgerRecord] = []

    /// An empty tail; nil if there is no checkpoint, so that every step will be made again.
    init(oldestCheckpoint: Int?) {
        // The record before a checkpoint names the version that it must hold.
        firstStep = max(0, (oldestCheckpoint ?? 0) - 1)
    }

    /// Takes the next step's record.
    mutating func append(_ record: LedgerRecord) {
        if stepCount >= firstStep { records.append(record) }
        stepCount += 1
    }

    /// The record of a step, unless there is none or it lies before the tail.
    func record(of step: Int) -> LedgerRecord? {
        let place = step - firstStep
        return records.indices.contains(place) ? records[place] : nil
    }

    /// The records from this step on, which no checkpoint is older than.
    func records(from step: Int) -> [LedgerRecord] {
        Array(records.dropFirst(step - firstStep))
    }
}
