import CoordinatorDaemon
import Foundation
import Identity
import Keys
import Methods
import Processes
import RunFiles

/// A drill: a real training under faults, the same without, and what the two have in common.
public struct Drill: Sendable {
    let options: DrillOptions
    let plan: FaultPlan
    /// Steps of both runs; nil in a soak, which makes as many as it can.
    private let steps: Int?
    /// The drill's own directory.
    public let directory: String
    /// With what everybody proves itself; nil without encryption.
    private let keys: PeerKeys?

    /// The coordinator is given so long to end once it was told to.
    private static let endSecondsMax = 30.0

    /// Plans a drill and makes its directory.
    ///
    /// - Throws: `DrillError` if it cannot be held, what the run file's mistakes throw.
    public init(_ options: DrillOptions) throws {
        let run = try RunPlan(contentsOf: options.runFile)
        self.options = options
        switch options.extent {
        case .faults(let count, let wanted):
            let steps = min(wanted ?? run.settings.steps, run.settings.steps)
            guard steps >= 3 else { throw DrillError.tooFewSteps(steps) }
            guard count <= steps - 2 else {
                throw DrillError.tooManyFaults(wanted: count, steps: steps)
            }
            self.steps = steps
            plan = FaultPlan(
                count: count, steps: steps, workers: options.workers, seed: options.seed,
                kinds: options.kinds)
        case .soak(let minutes, let every):
            steps = nil
            plan = FaultPlan(
                minutes: minutes, every: every, workers: options.workers, seed: options.seed,
                kinds: options.kinds)
        }
        directory =
            (options.parentDirectory as NSString).standardizingPath
            + "/pleiad-drill-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        keys = options.isEncrypted ? try Self.makeKeys(in: directory + "/keys") : nil
    }

    /// Keys of a coordinator, from which workers and clients on this machine make their own.
    private static func makeKeys(in directory: String) throws -> PeerKeys {
        let now = Int(Date.now.timeIntervalSince1970)
        let validity = Validity(from: now - 3600, until: now + 30 * 86_400)
        let issued = try KeyAuthority.make(in: directory, validity: validity)
            .issue("hub", as: .coordinator, validity: validity)
        return try PeerKeys(directory: issued.directory, now: now)
    }

    /// Removes the drill's directory.
    public func removeDirectory() {
        // Nothing depends on it; what cannot be removed stays for the operator to see.
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Holds the drill: both runs, then the verdict.
    ///
    /// Its processes have ended when it returns, also after an error or a cancellation.
    public func run(
        progress: @escaping @Sendable (DrillProgress) -> Void
    ) async throws -> DrillReport {
        let begin = ContinuousClock.now
        let watch = options.isSoak ? ProcessWatch() : nil
        let training = try makeTraining("faulted", steps: steps)
        let faultRun = FaultRun(training, plan: plan, watch: watch)
        let faulted = try await evidence(of: training, progress, faultRun) {
            try await underFaults(training, faultRun, watch)
        }
        var faultFree: Evidence?
        if faulted.failure == nil, !faulted.ledger.isEmpty {
            let training = try makeTraining("fault-free", steps: steps ?? faulted.ledger.count)
            faultFree = try await evidence(of: training, progress, nil) {
                _ = try await training.wait(seconds: .infinity) { await $0.isOver }
            }
        }
        let faults = await faultRun.reports
        var verdict = Verdict(
            planned: plan.faults.count, faults: faults, faulted: faulted, faultFree: faultFree)
        if let watch { verdict.soak = await soakFigures(watch, verdict) }
        return report(verdict, seconds: (ContinuousClock.now - begin) / .seconds(1))
    }

    // MARK: The two runs

    private func makeTraining(_ name: String, steps: Int?) throws -> Training {
        try Training(
            .init(
                runFile: options.runFile, program: options.program,
                state: directory + "/" + name, logs: directory + "/logs/" + name,
                workers: options.workers, steps: steps, keys: keys))
    }

    /// Runs a training from its start to its end; what it left behind.
    ///
    /// What breaks it is part of the evidence; only a cancellation is thrown.
    private func evidence(
        of training: Training, _ progress: @escaping @Sendable (DrillProgress) -> Void,
        _ faultRun: FaultRun?, _ body: @escaping @Sendable () async throws -> Void
    ) async throws -> Evidence {
        var failure: String?
        do {
            try await training.run { training in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        while true {
                            progress(await self.progress(of: training, faultRun))
                            try await Task.sleep(for: .milliseconds(250))
                        }
                    }
                    defer { group.cancelAll() }
                    try await body()
                }
            }
        } catch {
            try Task.checkCancellation()
            failure = "the run \(faultRun == nil ? "without" : "with") faults: \(error)"
        }
        return Evidence(await training.timeline, state: training.options.state, failure: failure)
    }

    private func underFaults(
        _ training: Training, _ faultRun: FaultRun, _ watch: ProcessWatch?
    ) async throws {
        guard case .soak(let minutes, _) = options.extent, let watch else {
            try await faultRun.run()
            _ = try await training.wait(seconds: .infinity) { await $0.isOver }
            return
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await watch.watchMemory(training) }
            // Labels are not part of the soak: it begins with the first step.
            _ = try await training.wait(seconds: .infinity) { await $0.timeline.stepCount > 0 }
            let deadline = training.now + minutes * 60
            try await faultRun.run(until: deadline)
            _ = try await training.wait(seconds: deadline - training.now) { await $0.isOver }
            group.cancelAll()
        }
        await training.coordinator?.signal(SIGTERM)
        guard try await training.wait(seconds: Self.endSecondsMax, until: { await $0.isOver })
        else {
            throw DrillError.hang(
                what: "the end of the coordinator", seconds: Int(Self.endSecondsMax))
        }
    }
}
