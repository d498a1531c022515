/// Situations that are rare and must be met by some seeds, or nothing is known of them.
enum Mark: String, CaseIterable {
    /// Something was in doubt.
    case doubt
    /// A step was opened again.
    case stepOpenedAgain
    /// The coordinator ended shortly after something was in doubt.
    case lostInDoubt
    /// Steps were made again after a restart, and compared with the ledger.
    case stepsMadeAgain
    /// The run was paused.
    case pause
    /// A writer was cut off, since its reader took nothing.
    case writerCutOff
    /// The clock of the coordinator had a gap.
    case gap
    /// A commit waited for a checkpoint to write rows, of which no more could be copied.
    case copiesFull
    /// A checkpoint held the changes of an earlier one.
    case checkpointOfChanges
    /// A start of the coordinator went on from such a checkpoint.
    case recoveredFromChanges
    /// The coordinator could not start at once.
    case failedStart
}
