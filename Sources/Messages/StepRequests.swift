public import Identity

// What workers ask and tell while a step is open (design, section 2, points 2 to 6).

/// A slot without work.
public struct RequestLease: Hashable, Sendable {
    /// The slot, counted from 0.
    public var slot: UInt16
    /// A request of this slot.
    public init(slot: UInt16) { self.slot = slot }
}

/// Names a version to fetch, or its averages.
public struct FetchVersion: Hashable, Sendable {
    /// The step at whose opening the version stood.
    public var step: StepNumber
    /// Its digest, or that of its averages.
    public var digest: Digest
    /// A version by step and digest.
    public init(step: StepNumber, digest: Digest) {
        self.step = step
        self.digest = digest
    }
}

/// A slice's input to an exchange round.
public struct Exchange: Hashable, Sendable {
    /// The step.
    public var step: StepNumber
    /// The slice.
    public var slice: SliceNumber
    /// The round within the step, counted from 0 in the method's order.
    public var round: UInt16
    /// SHA-256 of the tensors, by which a repeated input is compared with the first.
    public var digest: Digest
    /// The input of a slice to a round.
    public init(step: StepNumber, slice: SliceNumber, round: UInt16, digest: Digest) {
        self.step = step
        self.slice = slice
        self.round = round
        self.digest = digest
    }
}

/// What a worker says of one slice's result inside a node.
public struct Leaf: Hashable, Sendable {
    /// The slice.
    public var slice: SliceNumber
    /// SHA-256 over the result's bits.
    public var digest: Digest
    /// Whether every number of the result is finite.
    public var isFinite: Bool
    /// Milliseconds of computation, waits left out.
    public var computeMilliseconds: UInt32
    /// A leaf with these facts.
    public init(slice: SliceNumber, digest: Digest, isFinite: Bool, computeMilliseconds: UInt32) {
        self.slice = slice
        self.digest = digest
        self.isFinite = isFinite
        self.computeMilliseconds = computeMilliseconds
    }
}

/// Announces a node of the gradient tree.
public struct OfferNode: Hashable, Sendable {
    /// The step.
    public var step: StepNumber
    /// The node.
    public var node: SliceRange
    /// Bytes of its tensors.
    public var byteCount: UInt64
    /// An offer of this node.
    public init(step: StepNumber, node: SliceRange, byteCount: UInt64) {
        self.step = step
        self.node = node
        self.byteCount = byteCount
    }
}

/// A node of the gradient tree, summed by the worker over its leaves.
public struct DeliverNode: Hashable, Sendable {
    /// The step.
    public var step: StepNumber
    /// The node.
    public var node: SliceRange
    /// One entry a slice of the node, in order.
    public var leaves: [Leaf]
    /// A delivery of this node.
    public init(step: StepNumber, node: SliceRange, leaves: [Leaf]) {
        self.step = step
        self.node = node
        self.leaves = leaves
    }
}

/// What a slot is doing.
public enum SlotPhase: UInt8, Hashable, Sendable, CaseIterable {
    /// Waits for a lease.
    case idle = 0
    /// Fetches a version or loads samples.
    case loading = 1
    /// Computes forward.
    case forward = 2
    /// Has parked slices only.
    case parked = 3
    /// Computes backward.
    case backward = 4
    /// Hands results over.
    case delivering = 5
}

/// The progress of one slot.
public struct SlotProgress: Hashable, Sendable {
    /// The slot, counted from 0.
    public var slot: UInt16
    /// What it is doing.
    public var phase: SlotPhase
    /// The step of the slice that it works on.
    public var step: StepNumber
    /// The slice that it works on.
    public var slice: SliceNumber
    /// A counter that the compute loop itself advances, layer by layer.
    public var ticks: UInt64
    /// Progress with these facts.
    public init(
        slot: UInt16, phase: SlotPhase, step: StepNumber, slice: SliceNumber, ticks: UInt64
    ) {
        self.slot = slot
        self.phase = phase
        self.step = step
        self.slice = slice
        self.ticks = ticks
    }
}

/// A worker's sign of life: the progress of its slots.
public struct Heartbeat: Hashable, Sendable {
    /// Every slot, in order.
    public var slots: [SlotProgress]
    /// A heartbeat with this progress.
    public init(slots: [SlotProgress]) { self.slots = slots }
}

/// Why a slice is handed back.
public enum ReturnReason: UInt8, Hashable, Sendable, CaseIterable {
    /// The worker drains.
    case drain = 1
    /// The computation failed; `detail` says how.
    case failed = 2
    /// The coordinator told the worker to abandon it.
    case abandoned = 3
}

/// Hands a slice back.
public struct ReturnLease: Hashable, Sendable {
    /// The step.
    public var step: StepNumber
    /// The slice.
    public var slice: SliceNumber
    /// Why.
    public var reason: ReturnReason
    /// A sentence for people.
    public var detail: String
    /// A slice handed back.
    public init(step: StepNumber, slice: SliceNumber, reason: ReturnReason, detail: String) {
        self.step = step
        self.slice = slice
        self.reason = reason
        self.detail = detail
    }
}
