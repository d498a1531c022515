import Identity
import Messages

/// What two computations of a slice are compared by.
enum DisputeSubject: Hashable, Sendable {
    /// The leaf: the slice's own result.
    case result
    /// Its input to an exchange round.
    case input(round: Int)
}

/// What one worker says of a slice.
struct Claim: Hashable, Sendable {
    /// The worker, by name: its lives share memory and processor.
    var worker: String
    /// The life of it that said so last.
    var life: Incarnation
    /// What it computed.
    var digest: Digest
    /// Whether every number of it is finite.
    var isFinite = true
    /// Whether it has computed the same a second time, for want of another worker.
    var isRepeated = false
}

/// A slice on which computations disagree, or whose result is not finite on one worker's word.
struct Dispute: Hashable, Sendable {
    /// The slice.
    let slice: Int
    /// What is at issue.
    let subject: DisputeSubject
    /// Since when.
    let since: Moment
    /// What workers say, in order of arrival; one claim a worker.
    var claims: [Claim]
    /// When a claim came last.
    var heard: Moment
    /// Since when no worker without a claim has the slice.
    var lonelySince: Moment?
    /// Whether workers with a claim may compute again, since nobody else came in time.
    var mayRepeat = false

    /// Who has a claim.
    var workers: [String] { claims.map(\.worker) }
    /// Whether claims are at odds.
    var isAtOdds: Bool { claims.contains { $0.digest != claims[0].digest } }

    /// What holds, once that is known.
    ///
    /// Two workers with equal bits settle it. Without a second worker a claim holds that is the
    /// only one left and finite, or that its worker has computed twice.
    var settlement: Settlement? {
        for claim in claims {
            let agreed = claims.filter { $0.digest == claim.digest }
            if agreed.count > 1 { return settlement(claim, agreed: agreed) }
        }
        guard claims.count == 1, claims[0].isFinite || claims[0].isRepeated else { return nil }
        return settlement(claims[0], agreed: claims)
    }

    private func settlement(_ claim: Claim, agreed: [Claim]) -> Settlement {
        Settlement(
            claim: claim, agreed: agreed.map(\.worker),
            faulty: claims.filter { $0.digest != claim.digest }.map(\.worker))
    }
}

/// How a dispute ended.
struct Settlement: Hashable, Sendable {
    /// What holds.
    var claim: Claim
    /// Who computed it; two, unless nobody else was there.
    var agreed: [String]
    /// Who computed something else.
    var faulty: [String]
}

/// What a worker's claim has led to.
struct Hearing: Hashable, Sendable {
    /// Whether the claim counts: nothing known speaks against it.
    var stands: Bool
    /// Whether a dispute began with it.
    var isNew = false
    /// How the dispute ended, if it did with this claim.
    var settlement: Settlement?
    /// Workers that are faulty beyond doubt.
    var faulty: [String] = []
}

/// Disputes about slices of the open step (design, section 2, *Faults that are not deaths*).
///
/// A result that is not finite, or bits that differ from those that are in, are computed again by a
/// worker that has not said anything about the slice: equal bits settle it, and whoever computed
/// other bits is faulty. So is a worker that contradicts itself. Where no such worker comes in time
/// those that have a claim compute again, once each.
struct DisputeBook: Sendable {
    private struct Key: Hashable {
        var slice: Int
        var subject: DisputeSubject
    }

    /// Undecided disputes, oldest first.
    private(set) var open: [Dispute] = []
    private var settled: [Key: Settlement] = [:]

    /// Whether anything about a slice is undecided.
    func isOpen(_ slice: Int) -> Bool { open.contains { $0.slice == slice } }

    /// Whether a worker may compute the slice: it can settle what is open, or nothing is.
    func mayCompute(_ slice: Int, _ worker: String) -> Bool {
        open.allSatisfy { dispute in
            guard dispute.slice == slice,
                let own = dispute.claims.first(where: { $0.worker == worker })
            else { return true }
            return dispute.mayRepeat && !own.isRepeated
        }
    }

    /// Whether what a worker offers of a slice may be a result that an earlier life of it has
    /// delivered, and claimed: no second computation then, whatever it is taken for.
    ///
    /// A life begins with offering what the one before it was not told the fate of, so this can be
    /// its first offer of the slice alone. Whatever it offers later it has computed itself.
    mutating func mayBeHeard(_ slice: Int, from worker: String, _ life: Incarnation) -> Bool {
        var isHeard = false
        for place in open.indices where open[place].slice == slice {
            guard open[place].subject == .result,
                let own = open[place].claims.firstIndex(where: { $0.worker == worker }),
                open[place].claims[own].life != life
            else { continue }
            open[place].claims[own].life = life
            isHeard = true
        }
        return isHeard
    }

    /// Takes a worker's claim in.
    ///
    /// - Parameter first: what is in for the slice, if anything is.
    mutating func hear(
        _ claim: Claim, slice: Int, subject: DisputeSubject, first: Claim?, at time: Moment
    ) -> Hearing {
        let key = Key(slice: slice, subject: subject)
        var dispute = Dispute(
            slice: slice, subject: subject, since: time, claims: [], heard: time)
        var isNew = true
        if let place = open.firstIndex(where: { $0.slice == slice && $0.subject == subject }) {
            dispute = open[place]
            isNew = false
        } else if let known = settled[key] {
            if known.claim.digest == claim.digest { return Hearing(stands: true) }
            if known.agreed.count > 1 { return Hearing(stands: false, faulty: [claim.worker]) }
            dispute.claims = [known.claim]
        } else {
            let differs = first.map { $0.digest != claim.digest } ?? !claim.isFinite
            guard differs else { return Hearing(stands: true) }
            dispute.claims = first.map { [$0] } ?? []
        }
        open.removeAll { $0.slice == slice && $0.subject == subject }
        settled[key] = nil
        dispute.heard = time
        var faulty: [String] = []
        if let own = dispute.claims.firstIndex(where: { $0.worker == claim.worker }) {
            if dispute.claims[own].digest == claim.digest {
                dispute.claims[own].life = claim.life
                dispute.claims[own].isRepeated = dispute.mayRepeat
            } else {
                dispute.claims.remove(at: own)
                faulty = [claim.worker]
            }
        } else {
            dispute.claims.append(claim)
        }
        let settlement = close(dispute)
        let stands = settlement?.claim.digest == claim.digest && !faulty.contains(claim.worker)
        return Hearing(
            stands: stands, isNew: isNew && settlement == nil && !dispute.claims.isEmpty,
            settlement: settlement, faulty: faulty + (settlement?.faulty ?? []))
    }

    /// Files a dispute under what it has come to.
    private mutating func close(_ dispute: Dispute) -> Settlement? {
        if let settlement = dispute.settlement {
            settled[Key(slice: dispute.slice, subject: dispute.subject)] = settlement
            return settlement
        }
        if !dispute.claims.isEmpty { open.append(dispute) }
        return nil
    }

    /// A worker is faulty: its claims count no more.
    mutating func dismiss(_ worker: String) {
        let before = open
        open = []
        for var dispute in before {
            dispute.claims.removeAll { $0.worker == worker }
            _ = close(dispute)
        }
    }

    /// Time passes: returns the disputes that nobody without a claim has taken on in time, so that
    /// workers with a claim compute again.
    ///
    /// - Parameter holders: who has a slice.
    mutating func look(
        holders: (Int) -> [String], at time: Moment, term: Duration
    ) -> [Dispute] {
        var late: [Dispute] = []
        for place in open.indices {
            // Who takes it again and again and brings nothing must not hold the others up.
            let isBarren = time - open[place].heard > term * 2
            guard isBarren || holders(open[place].slice).allSatisfy(open[place].workers.contains)
            else {
                open[place].lonelySince = nil
                open[place].mayRepeat = false
                continue
            }
            let since = open[place].lonelySince ?? time
            open[place].lonelySince = since
            if !open[place].mayRepeat, isBarren || time - since > term {
                open[place].mayRepeat = true
                late.append(open[place])
            }
        }
        return late
    }

    /// The disputes that nobody who is ready can bring further, or has in time.
    ///
    /// Who has no claim gets two terms. Who could repeat a claim may be at other work, so it gets
    /// `patience` more; but a worker may live and take no leases.
    ///
    /// - Parameter idleSince: since when nobody has a slice; nil while somebody has.
    func stuck(
        ready: [String], idleSince: (Int) -> Moment?, at time: Moment, term: Duration,
        patience: Duration
    ) -> [Dispute] {
        open.filter { dispute in
            guard dispute.mayRepeat, dispute.isAtOdds, !ready.isEmpty else { return false }
            let able = ready.filter { mayCompute(dispute.slice, $0) }
            guard !able.isEmpty else { return true }
            guard let lonely = dispute.lonelySince, time - lonely > term * 2 else { return false }
            guard able.contains(where: dispute.workers.contains) else { return true }
            return idleSince(dispute.slice).map { time - $0 > patience } ?? false
        }
    }
}
