/// A bug planted in the shell around the machine: the order of disk and announcement, and what
/// recovery takes over.
enum ShellFlaw: String, CaseIterable {
    /// A step is announced before its ledger record is written.
    case announcesEarly
    /// The ledger's records are not synchronised.
    case ledgerNotSynchronized
    /// Folders are not synchronised: renamed files may be lost.
    case foldersNotSynchronized
    /// Files are renamed into place before their bytes are on disk.
    case renamedBeforeSynchronized
    /// A start has the epoch of the one before.
    case sameEpoch
    /// That something is in doubt is not written to the disk.
    case forgetsDoubts
    /// A step that is made again is written to the ledger again.
    case appendsTwice
    /// What is kept of a version after a restart is the last one announced, not the checkpoint's.
    case skipsRepeatedSteps
    /// Two children are added in the order in which they came.
    case addsInOrderOfArrival
}
