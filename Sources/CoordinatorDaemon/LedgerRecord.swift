/// One committed step, as a line of the ledger.
public struct LedgerRecord: Hashable, Sendable {
    /// How one slice of the step came in.
    public struct Slice: Hashable, Sendable {
        /// The slice.
        public var slice: Int
        /// Its samples, as rows of the step's batch: first.
        public var firstRow: Int
        /// One past its last row of the batch.
        public var endRow: Int
        /// How often it was leased.
        public var attempts: Int
        /// The worker whose result counted.
        public var worker: String
        /// Digest of that result.
        public var leaf: String
    }

    /// The step, counted from 0.
    public var step: Int
    /// The pass over the data in which it lies.
    public var dataEpoch: Int
    /// Digest of the numbers of its samples, as they were leased (`sampleDigest`).
    public var samples: String
    /// Digest of the version with which it was computed.
    public var version: String
    /// Digest of the summed result.
    public var gradient: String
    /// Digest of the version that it led to.
    public var next: String
    /// The slices, in order.
    public var slices: [Slice]

    /// Whether both tell of the same bits; who delivered and how often it was tried may differ.
    public func hasSameBits(as other: LedgerRecord) -> Bool { difference(from: other) == nil }

    /// The first figure in which a step, computed again, differs from its record, if any.
    ///
    /// Who delivered and how often it was tried may differ; bits may not.
    public func difference(from recorded: LedgerRecord) -> String? {
        if step != recorded.step { return "step number \(step), recorded \(recorded.step)" }
        if samples != recorded.samples { return "the samples it holds" }
        if version != recorded.version { return "the version it started from" }
        for (mine, theirs) in zip(slices, recorded.slices) where mine.leaf != theirs.leaf {
            return "the result of slice \(mine.slice) (now by \(mine.worker), "
                + "then by \(theirs.worker))"
        }
        if slices.count != recorded.slices.count { return "the number of slices" }
        if gradient != recorded.gradient { return "the summed gradient" }
        if next != recorded.next { return "the version it led to" }
        return nil
    }
}
