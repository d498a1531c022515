/// A step of the run, counted from 0: one optimizer update.
public struct StepNumber: RawRepresentable, Hashable, Comparable, Sendable,
    CustomStringConvertible
{
    /// The number as it stands on the wire.
    public var rawValue: UInt64
    /// A step by its number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// A step by its number.
    public init(_ value: Int) { rawValue = UInt64(value) }
    /// The number as an index.
    public var index: Int { Int(rawValue) }
    /// The step after this one.
    public var next: StepNumber { StepNumber(rawValue: rawValue + 1) }
    /// The number in decimal.
    public var description: String { String(rawValue) }
    /// Steps in the order in which they are made.
    public static func < (a: StepNumber, b: StepNumber) -> Bool { a.rawValue < b.rawValue }
}

/// A slice of a step, counted from 0: a fixed share of the step's batch.
public struct SliceNumber: RawRepresentable, Hashable, Comparable, Sendable,
    CustomStringConvertible
{
    /// The number as it stands on the wire.
    public var rawValue: UInt32
    /// A slice by its number.
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// A slice by its number.
    public init(_ value: Int) { rawValue = UInt32(value) }
    /// The number as an index.
    public var index: Int { Int(rawValue) }
    /// The number in decimal.
    public var description: String { String(rawValue) }
    /// Slices in the order of their samples.
    public static func < (a: SliceNumber, b: SliceNumber) -> Bool { a.rawValue < b.rawValue }
}

/// A run of slices `lo ..< hi` that is one node of the step's gradient tree.
public struct SliceRange: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The first slice.
    public var lo: UInt32
    /// One past the last slice.
    public var hi: UInt32
    /// The range `lo ..< hi`.
    public init(_ lo: Int, _ hi: Int) {
        self.lo = UInt32(lo)
        self.hi = UInt32(hi)
    }
    /// The slices as indices.
    public var indices: Range<Int> { Int(lo)..<Int(hi) }
    /// `lo..<hi`.
    public var description: String { "\(lo)..<\(hi)" }
    /// Ranges by first slice, then by end.
    public static func < (a: SliceRange, b: SliceRange) -> Bool {
        (a.lo, a.hi) < (b.lo, b.hi)
    }
}

/// One life of a worker (or client) under a name: the coordinator's epoch in the upper half, a
/// counter in the lower.
///
/// Frames of an older incarnation have no effect.
public struct Incarnation: RawRepresentable, Hashable, Comparable, Sendable,
    CustomStringConvertible
{
    /// The number as it stands on the wire; 0 before the hello.
    public var rawValue: UInt64
    /// An incarnation by its number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The `counter`-th incarnation of an epoch of the coordinator.
    public init(epoch: UInt32, counter: UInt32) {
        rawValue = UInt64(epoch) << 32 | UInt64(counter)
    }
    /// The epoch of the coordinator that gave it.
    public var epoch: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
    /// `epoch.counter`.
    public var description: String {
        "\(epoch).\(UInt32(truncatingIfNeeded: rawValue))"
    }
    /// Older incarnations first.
    public static func < (a: Incarnation, b: Incarnation) -> Bool { a.rawValue < b.rawValue }
}

/// A request of one incarnation; its reply carries the same number, 0 marks a push.
public struct RequestID: RawRepresentable, Hashable, Comparable, Sendable,
    CustomStringConvertible
{
    /// The number as it stands on the wire.
    public var rawValue: UInt64
    /// A request by its number.
    public init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The number in decimal.
    public var description: String { String(rawValue) }
    /// Earlier requests first.
    public static func < (a: RequestID, b: RequestID) -> Bool { a.rawValue < b.rawValue }
}
