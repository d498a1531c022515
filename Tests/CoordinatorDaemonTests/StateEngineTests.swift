import CoordinatorCore
import Datasets
import Foundation
import Identity
import Logging
import Messages
import Methods
import Networks
import Optimizers
import RunFiles
import Storage
import Tensors
import Testing

@testable import CoordinatorDaemon

/// What the engine does with a step that is opened again, or whose sum is not finite.
@Suite struct StateEngineTests {
    private static let dataset = ImageDataset(
        name: "synthetic", channels: 1, height: 28, width: 28, classCount: 2,
        pixels: (0..<(32 * 784)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 9) },
        labels: (0..<32).map { UInt8($0 % 2) },
        statistics: ChannelStatistics(mean: [0.286], deviation: [0.353]),
        manifest: DataManifest(entries: []))

    private static func text(onNotFinite rule: String) -> String {
        """
        method: mlcd
        steps: 4
        batch: {samples: 8, slices: 2}
        network: {kind: vit, patch: 7, width: 32, depth: 1, heads: 2}
        optimizer: {onNotFinite: \(rule)}
        mlcd: {dim: 32, centers: 16, positives: 2, clustering: {pooling: 4, iterations: 1}}
        """
    }

    /// A run whose version has averages.
    private static let averaged = """
        method: contrastive
        steps: 4
        batch: {samples: 8, slices: 2}
        network: {kind: conv, widths: [4]}
        optimizer: {kind: sgd, onNotFinite: skip}
        schedule: {kind: constant}
        contrastive: {loss: moco, dim: 8, queue: 16, keyMomentum: 0.75}
        """

    /// What a session of the engine came to.
    private struct Outcome {
        var events: [Event] = []
        /// Lines of the ledger.
        var recorded = 0
        var figures: FigureBoard.Figures
        var shelf: VersionShelf

        var opened: [OpenedStep] {
            events.compactMap { if case .stepOpened(let step) = $0 { step } else { nil } }
        }
        var committed: [Int] {
            events.compactMap { if case .committed(let step) = $0 { step.index } else { nil } }
        }
        var failure: String? {
            events.lazy.compactMap { if case .failed(let why) = $0 { why } else { nil } }.first
        }
    }

    /// Hands out a new state directory for as long as it is needed.
    private func withFolder<Result>(
        _ body: (String) async throws -> Result
    ) async rethrows -> Result {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("pleiad-engine-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what is left is small
        return try await body(folder)
    }

    /// Carries commands out on a new state directory.
    private func perform(
        onNotFinite rule: String = "stop", _ commands: (RunPlan) -> [EngineCommand]
    ) async throws -> Outcome {
        try await withFolder { try await perform(in: $0, onNotFinite: rule, commands) }
    }

    /// Carries commands out in one start on a state directory, which ends without a word.
    private func perform(
        in folder: String, onNotFinite rule: String = "stop", text: String? = nil,
        _ commands: (RunPlan) -> [EngineCommand]
    ) async throws -> Outcome {
        let plan = try RunPlan(text: text ?? Self.text(onNotFinite: rule), file: "run.yaml")
        let run = LoadedRun(plan: plan, dataset: Self.dataset, fingerprint: sha256("bits"))
        let directory = try RunDirectory(
            opening: folder, for: run,
            logger: silentLogger
        )
        let (shelf, board) = (VersionShelf(), FigureBoard())
        let (_, snapshots) = AsyncStream.makeStream(of: NumericState.self)
        let engine = StateEngine(
            run: run, directory: directory, board: board, shelf: shelf, snapshots: snapshots,
            copies: CopyBudget(byteLimit: 1 << 20))
        let (stream, queue) = AsyncStream.makeStream(of: EngineCommand.self)
        for command in [.prepare] + commands(plan) { queue.yield(command) }
        queue.finish()
        let events = Events()
        await engine.serve(stream) { await events.add($0) }
        var outcome = Outcome(figures: board.figures, shelf: shelf)
        outcome.events = await events.all
        outcome.recorded = try AppendOnlyLog.read(folder + "/ledger") { _, _ in }
        return outcome
    }

    private actor Events {
        var all: [Event] = []
        func add(_ event: Event) { all.append(event) }
    }

    /// The sum of a whole step, with this number in its gradient.
    private func node(_ plan: RunPlan, _ value: Float) -> SliceResult {
        var gradient = Array(repeating: Float(0), count: plan.method.layout.flatCount)
        gradient[0] = value
        return SliceResult(
            gradient: Tensor(gradient, shape: [gradient.count]),
            statistics: Tensor(zeros: [plan.method.layout.bufferLayout.flatCount]),
            sums: plan.method.sumNames.map { SliceResult.Sum(name: $0, value: 1) })
    }

    private func accounts(isFinite: Bool) -> [SliceAccount] {
        (0..<2).map { slice in
            SliceAccount(
                leaf: Leaf(
                    slice: SliceNumber(slice), digest: sha256("leaf"), isFinite: isFinite,
                    computeMilliseconds: 1), attempts: 1, worker: "a")
        }
    }

    private func notFiniteStep(_ plan: RunPlan) -> [EngineCommand] {
        [
            .open(StepNumber(0)), .keepNode(SliceRange(0, 2), node(plan, .nan), replacing: []),
            .commit(StepNumber(0), accounts(isFinite: false)), .open(StepNumber(1)),
        ]
    }

    @Test func `a step that is not finite fails the run, and says what can be done`() async throws {
        let outcome = try await perform(notFiniteStep)
        #expect(outcome.committed == [])
        #expect(outcome.failure?.contains("slice 0 by a, slice 1 by a") == true)
        #expect(outcome.failure?.contains("optimizer.onNotFinite") == true)
        #expect(outcome.recorded == 0)
    }

    @Test func `by its rule a run skips a step that is not finite`() async throws {
        let outcome = try await perform(onNotFinite: "skip", notFiniteStep)
        #expect(outcome.failure == nil)
        #expect(outcome.committed == [0])
        #expect(outcome.recorded == 1)
        #expect(outcome.opened.map(\.step.index) == [0, 1])
        #expect(outcome.opened[0].version == outcome.opened[1].version)
        #expect(outcome.figures.last?.gradientNorm.isNaN == true)
    }

    @Test func `a step that is opened again has the same tasks and a version of another name`()
        async throws
    {
        let outcome = try await perform { _ in
            [
                .open(StepNumber(0)), .doubt, .open(StepNumber(0)), .doubt, .open(StepNumber(0)),
            ]
        }
        let opened = outcome.opened
        #expect(Set(opened.map(\.version)).count == 3)
        #expect(opened.allSatisfy { $0.tasks == opened[0].tasks })
        let names = opened.map { FetchVersion(step: StepNumber(0), digest: $0.version) }
        #expect(names.map { outcome.shelf.tensors(of: $0) != nil } == [false, false, true])
    }

    @Test func `after a doubt a step has another name for every later start, too`() async throws {
        try await withFolder { folder in
            let first = try await perform(in: folder) { _ in
                [.open(StepNumber(0)), .doubt, .open(StepNumber(0))]
            }
            let killed = try await perform(in: folder) { _ in [.open(StepNumber(0)), .doubt] }
            let last = try await perform(in: folder) { _ in [.open(StepNumber(0))] }
            let names = [first, killed, last].map { $0.opened.map(\.version) }
            #expect(names[0][0] != names[0][1])
            #expect(names[1] == [names[0][1]])
            #expect(Set(names.flatMap { $0 }).count == 3)
        }
    }

    @Test func `the number of threads that hash decides no name of a version`() {
        let count = 2 << 18 + 5
        let values = (0..<count).map { Float($0 % 1021) * 0.5 }
        let version = VersionTensors(
            parameters: Tensor(values, shape: [count]), buffers: Tensor([1, 2], shape: [2]))
        let one = digest(of: version, threads: 1)
        for threads in [2, 3, 8] { #expect(digest(of: version, threads: threads) == one) }
        var other = version
        other.buffers = Tensor([1, 3], shape: [2])
        #expect(digest(of: other, threads: 2) != one)
        // Averages are part of the name where there are any.
        other = version
        other.averages = version.parameters
        let averaged = digest(of: other, threads: 1)
        #expect(averaged != one)
        for threads in [2, 8] { #expect(digest(of: other, threads: threads) == averaged) }
        other.averages = Tensor(zeros: [count])
        #expect(digest(of: other, threads: 2) != averaged)
    }

    /// The inputs of both slices of step 0 and their answers, then the sum.
    private func averagedStep(_ plan: RunPlan, _ step: Int, _ value: Float) -> [EngineCommand] {
        let number = StepNumber(step)
        let inputs = (0..<2).map { slice -> EngineCommand in
            let z = Tensor(repeating: Float(slice + 1), shape: [4, 8])
            return .keepInput(SliceNumber(slice), round: 0, NamedTensors(["z": z, "keys": z]))
        }
        return [.open(number)] + inputs + [
            .answer(number, round: 0, group: 0, slices: SliceRange(0, 2)),
            .keepNode(SliceRange(0, 2), node(plan, value), replacing: []),
            .commit(number, accounts(isFinite: value.isFinite)),
        ]
    }

    @Test func `averages follow the parameters at commit, are leased by digest and sent alone`()
        async throws
    {
        try await withFolder { folder in
            let outcome = try await perform(in: folder, text: Self.averaged) { plan in
                averagedStep(plan, 0, 1) + averagedStep(plan, 1, .nan) + [.open(StepNumber(2))]
            }
            #expect(outcome.failure == nil && outcome.committed == [0, 1])
            let opened = outcome.opened
            #expect(opened.count == 3 && opened.allSatisfy { $0.averages != .zero })
            // The step that was passed over has moved neither.
            #expect(opened[0].averages != opened[1].averages)
            #expect(opened[1].averages == opened[2].averages)
            #expect(opened[1].version == opened[2].version)
            let sent = outcome.shelf.tensors(
                of: FetchVersion(step: StepNumber(2), digest: opened[2].version))
            #expect(sent?.entries.map(\.name).sorted() == ["buffers", "parameters"])
            let alone = outcome.shelf.tensors(
                of: FetchVersion(step: StepNumber(2), digest: opened[2].averages))
            let averages = try #require(alone?["averages"])
            let plan = try RunPlan(text: Self.averaged, file: "run.yaml")
            let first = try plan.firstVersion().parameters
            let rule = try #require(plan.method.averages)
            let parameters = try #require(sent?["parameters"])
            #expect(averages.isBitIdentical(to: rule.following(first, parameters)))
            let stale = FetchVersion(step: StepNumber(1), digest: opened[2].averages)
            #expect(outcome.shelf.tensors(of: stale) == nil)
        }
    }

    @Test func `a node that is dropped is not in the sum`() async throws {
        let outcome = try await perform(onNotFinite: "skip") { plan in
            [
                .open(StepNumber(0)),
                .keepNode(SliceRange(0, 1), node(plan, 1), replacing: []),
                .keepNode(SliceRange(1, 2), node(plan, 2), replacing: []),
                .combine(SliceRange(0, 2)), .dropNode(SliceRange(0, 2)),
                .keepNode(SliceRange(1, 2), node(plan, 3), replacing: []),
                .keepNode(SliceRange(0, 1), node(plan, .nan), replacing: []),
                .combine(SliceRange(0, 2)), .commit(StepNumber(0), accounts(isFinite: false)),
            ]
        }
        #expect(outcome.committed == [0])
        #expect(outcome.figures.last?.figures.first?.value == 2)
    }
}
