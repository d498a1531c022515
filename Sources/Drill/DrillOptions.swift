public import Foundation
public import Processes

/// What a drill is to do.
public struct DrillOptions: Sendable {
    /// How long the drill goes on, and how many faults it injects.
    public enum Extent: Hashable, Sendable {
        /// So many faults in so many steps; nil for the steps of the run file.
        case faults(Int, steps: Int?)
        /// For so many minutes, with pauses of so many seconds between faults.
        case soak(minutes: Double, every: ClosedRange<Double>)
    }

    /// The run file.
    public var runFile: String
    /// How much.
    public var extent: Extent
    /// Decides kinds, targets and moments.
    public var seed: UInt64
    /// Workers, each with one slot.
    public var workers: Int
    /// Which kinds of faults; at least one.
    public var kinds: [FaultKind]
    /// Whether all connections are encrypted, with keys of the drill's own.
    public var isEncrypted: Bool
    /// Where the drill's directory is made.
    public var parentDirectory: String
    /// The program whose coordinator and workers are tried; this very one.
    public var program: URL

    /// Options with these values.
    public init(
        runFile: String, extent: Extent, seed: UInt64 = 0, workers: Int = 3,
        kinds: [FaultKind] = FaultKind.allCases, isEncrypted: Bool = false,
        parentDirectory: String = NSTemporaryDirectory(),
        program: URL = ChildProcess.thisProgram
    ) {
        self.runFile = runFile
        self.extent = extent
        self.seed = seed
        self.workers = workers
        self.kinds = kinds
        self.isEncrypted = isEncrypted
        self.parentDirectory = parentDirectory
        self.program = program
    }

    /// Whether descriptors, memory and goodput are watched, too.
    var isSoak: Bool { if case .soak = extent { true } else { false } }
}

/// What a drill is at, for a line that is rewritten.
public struct DrillProgress: Sendable {
    /// Which of its two runs.
    public var phase: Phase
    /// Committed steps of that run.
    public var step: Int
    /// Its steps, where they can be told.
    public var steps: Int?
    /// Faults injected so far, and all.
    public var faults: (made: Int, planned: Int)
    /// Seconds until the end of the drill, where they can be told.
    public var secondsLeft: Double?

    /// The two runs of a drill.
    public enum Phase: String, Hashable, Sendable {
        /// The one with faults.
        case faulted = "with faults"
        /// The one without.
        case faultFree = "without faults"
    }
}
