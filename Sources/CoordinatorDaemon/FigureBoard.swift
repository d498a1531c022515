import Foundation
import Methods
import Optimizers
import Synchronization

/// The figures of one committed step.
struct StepFigures: Sendable {
    var step: Int
    var samples: Int
    var rate: Double
    var gradientNorm: Double
    /// Where the step's time went.
    var phases: PhaseSeconds
    /// What the method reports, in its order; `loss` is among them.
    var figures: [SliceResult.Sum]

    /// The loss, where the method reports one.
    var loss: Double? { figures.first { $0.name == "loss" }?.value }
}

/// What status shows beside the machine's view: a snapshot that the engine publishes, so that
/// status never waits for it.
final class FigureBoard: Sendable {
    /// The published figures.
    struct Figures: Sendable {
        var preparation = ""
        var last: StepFigures?
        var tables: [TableSummary] = []
        var samplesPerSecond = 0.0
        var secondsPerStep: Double?
        /// Steps that this start has committed, and the seconds from its first commit to its last.
        var stepsMade = 0
        var secondsMade = 0.0
        /// The phases of the last steps, a mean.
        var phases: PhaseSeconds { PhaseSeconds.mean(lastPhases) }
        fileprivate var lastPhases: [PhaseSeconds] = []
        fileprivate var phasesOpen = PhaseSeconds()
        fileprivate var firstCommit: (seconds: Double, samples: Int)?
        fileprivate var samplesMade = 0
        /// The moments of the last commits and their samples, oldest first.
        fileprivate var commits: [(seconds: Double, samples: Int)] = []

        /// Samples a second from the first commit of this start to the last.
        var meanSamplesPerSecond: Double {
            guard let firstCommit, secondsMade > 0 else { return 0 }
            return Double(samplesMade - firstCommit.samples) / secondsMade
        }
    }

    private let state = Mutex(Figures())
    private let clock = MonotonicClock()

    /// Rates are taken over so many steps: long enough to be steady, short enough to follow.
    private static let window = 64

    /// The figures now.
    var figures: Figures { state.withLock { $0 } }

    /// Seconds since the coordinator began to look at its clock.
    var seconds: Double { clock.seconds }

    /// What is being prepared, for the status line; empty once it is done.
    func preparing(_ what: String) { state.withLock { $0.preparation = what } }

    /// The tables as they are now.
    func publish(tables: [TableSummary]) { state.withLock { $0.tables = tables } }

    /// The results of a step are complete; the engine enters its phases when it commits.
    func complete(_ phases: PhaseSeconds) { state.withLock { $0.phasesOpen = phases } }

    /// The phases of the step whose results are complete.
    func takePhases() -> PhaseSeconds {
        state.withLock { state in
            defer { state.phasesOpen = PhaseSeconds() }
            return state.phasesOpen
        }
    }

    /// A step is committed.
    func stepCommitted(_ figures: StepFigures, tables: [TableSummary]) {
        let now = clock.seconds
        state.withLock { state in
            state.preparation = ""
            state.stepsMade += 1
            state.samplesMade += figures.samples
            let first = state.firstCommit ?? (now, figures.samples)
            state.firstCommit = first
            state.secondsMade = now - first.seconds
            state.last = figures
            state.tables = tables
            state.lastPhases.append(figures.phases)
            if state.lastPhases.count > Self.window { state.lastPhases.removeFirst() }
            state.commits.append((now, figures.samples))
            if state.commits.count > Self.window { state.commits.removeFirst() }
            guard let first = state.commits.first, now > first.seconds else { return }
            let samples = state.commits.dropFirst().reduce(0) { $0 + $1.samples }
            state.samplesPerSecond = Double(samples) / (now - first.seconds)
            state.secondsPerStep = (now - first.seconds) / Double(state.commits.count - 1)
        }
    }
}
