import Messages

/// A bug that the simulation plants in the machine, to see that it is found.
///
/// Nobody but tests can plant one: there is no way to it from options, run files or messages.
package enum Flaw: String, CaseIterable, Sendable {
    // Leases.
    /// A lost worker's leases stay.
    case keepsLeasesOfTheLost
    /// A step is committed while one slice is missing.
    case commitsEarly
    /// A hanging worker is never given up.
    case hangsForEver

    // Fencing.
    /// The incarnation of a frame is not looked at.
    case takesOldIncarnations
    /// Of an incarnation only the counter is compared, not the epoch.
    case takesOldEpochs
    /// A new life under a name leaves the one before it in place.
    case keepsFormerLife
    /// A worker with other numerics is let in.
    case takesAnyFingerprint

    // The gradient tree.
    /// A node that comes too late is kept beside the one that counts.
    case keepsLateNodes
    /// A node does not replace its descendants.
    case replacesNothing
    /// Sums are made from the root down.
    case sumsFromTheRoot
    /// A result counts though this start has not seen the slice's exchange.
    case takesUnseenExchanges

    // The order of commits.
    /// A step is over when its commit begins.
    case endsStepEarly
    /// The run is done before its last checkpoint is.
    case doneWithoutCheckpoint

    // Restart.
    /// After a restart the run goes on behind the ledger, not behind the checkpoint.
    case startsBehindLedger

    // Repeated requests.
    /// A request that was answered is taken for a new one when it comes again.
    case forgetsAnswers
    /// A repeated request that waits is answered on its first connection only.
    case answersFirstOnly

    // Credits.
    /// A lost worker's credits stay.
    case keepsCreditsOfTheLost
    /// Credits are given without end.
    case givesCreditsForEver
    /// No credits are kept for the first missing slice.
    case keepsNoReserve
    /// A node needs no credit.
    case takesNodesWithoutCredit

    // Terms.
    /// Silent workers stay.
    case keepsSilentWorkers
    /// Connections without hello stay.
    case keepsStrangers
    /// A gap in the coordinator's own clock counts as everybody's silence.
    case countsGaps
}

extension StepMachine {
    /// Whether the planted bug lets the open step be committed now.
    var hasFlawToCommit: Bool {
        guard settings.flaw == .commitsEarly, phase == .stepping, let step else { return false }
        return step.leases.slices.count(where: { !$0.isEmpty && !$0.isDone }) == 1
    }

    /// Whether the planted bug takes a frame of an incarnation for one of another.
    func hasFlawToTake(_ incarnation: Incarnation, _ own: Incarnation) -> Bool {
        switch settings.flaw {
        case .takesOldIncarnations: true
        case .takesOldEpochs: incarnation.rawValue << 32 == own.rawValue << 32
        default: false
        }
    }
}
