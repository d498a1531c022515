import RunFiles
import Testing

@Suite struct RunSettingsTests {
    private let small = "method: mlcd\nsteps: 100\nbatch: {samples: 256, slices: 8}\n"

    private func settings(_ text: String) throws -> (RunSettings, ResolvedRunFile) {
        let document = try RunDocument(text: text, file: "r.yaml")
        let settings = RunSettings(from: document.root, methods: ["mlcd", "obow"])
        return (settings, try document.finish())
    }

    private func problem(_ text: String) -> String {
        do {
            _ = try settings(text)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func `three keys make a run, the rest has defaults`() throws {
        let (settings, _) = try settings(small)
        #expect(settings.name == "mlcd")
        #expect(settings.seed == 0)
        #expect(settings.data.kind == .fashionMNIST && settings.data.path == nil)
        #expect(settings.batch.dropLast)
        #expect(settings.answerGroupSamples == 128)
        #expect(settings.optimizer.kind == .adamw)
        #expect(settings.schedule.kind == .warmupLinear)
        #expect(settings.schedule.warmupSteps == 10)
        #expect(settings.checkpoint.every == .seconds(30))
        #expect(settings.coordinator.listen == "tcp://127.0.0.1:4700")
        #expect(settings.coordinator.hangTerm == .seconds(150))
    }

    @Test func `resolved text resolves to itself, and so does its bits text`() throws {
        let text =
            small + """
                seed: 18446744073709551615
                name: "a \\"b\\" \\\\ c: d"
                data: {kind: idx, path: /data/my images}
                optimizer: {kind: sgd, learningRate: 1e-5, momentum: 0.95}
                schedule: {kind: polynomial, warmupSteps: 7, power: 2}
                checkpoint: {every: 1.5 min}
                coordinator: {}
                """
        let (first, resolved) = try settings(text)
        let (second, again) = try settings(resolved.text)
        #expect(again.text == resolved.text)
        #expect(again.bitsText == resolved.bitsText)
        #expect(first == second)
        #expect(resolved.text.contains("  learningRate: 1.0e-05\n"))
        #expect(resolved.text.contains("  every: \"90 s\"\n"))
    }

    @Test func `only keys that decide bits enter the bits text, sorted`() throws {
        let (_, a) = try settings(small)
        let (_, b) = try settings(
            small + "checkpoint: {every: 5 s}\ncoordinator: {heartbeat: 1 s}\nname: other\n")
        #expect(a.bitsText == b.bitsText)
        #expect(a.text != b.text)
        let keys = a.bitsText.split(separator: "\n").map { $0.prefix { $0 != ":" } }
        #expect(keys == keys.sorted())
        #expect(!keys.contains("coordinator.listen"))
    }

    @Test func `keys that a run does not give stay out of the bits text of runs before them`()
        throws
    {
        let (all, whole) = try settings(small)
        let (part, first) = try settings(small + "data: {count: 50}\n")
        #expect(all.data.count == nil && !whole.bitsText.contains("data.count"))
        #expect(part.data.count == 50 && first.bitsText.contains("data.count: 50"))
    }

    @Test func `milestones are steps`() throws {
        let (settings, resolved) = try settings(
            small + "schedule: {kind: multi-step, milestones: [80, 95]}\n")
        #expect(settings.schedule.milestones == [80, 95] && settings.schedule.factor == 0.1)
        #expect(resolved.bitsText.contains("schedule.milestones: [80, 95]"))
    }

    @Test func `evaluations are due by steps or by data epochs, or not at all`() throws {
        func evaluate(_ text: String) throws -> EvaluateSettings {
            let (settings, resolved) = try settings(small + text)
            #expect(resolved.bitsText == (try self.settings(small).1.bitsText))
            return settings.evaluate
        }
        let none = try evaluate("")
        #expect(!none.isOn && !none.isDue(step: 1000, after: 0, stepsPerDataEpoch: 10))
        let steps = try evaluate("evaluate: {every: 7}\n")
        #expect(steps.isOn)
        #expect(!steps.isDue(step: 6, after: 0, stepsPerDataEpoch: 3))
        #expect(steps.isDue(step: 7, after: 0, stepsPerDataEpoch: 3))
        #expect(!steps.isDue(step: 13, after: 7, stepsPerDataEpoch: 3))
        let epochs = try evaluate("evaluate: {everyEpoch: true}\n")
        #expect(epochs.isOn)
        for (step, last, isDue) in [
            (9, 0, false), (10, 0, true), (19, 10, false), (19, 9, true), (20, 19, true),
            (45, 20, true), (49, 45, false),
        ] {
            #expect(
                epochs.isDue(step: step, after: last, stepsPerDataEpoch: 10) == isDue,
                "\(step) after \(last)")
        }
    }

    @Test func `the order of keys in the file changes nothing`() throws {
        let (_, a) = try settings(small)
        let (_, b) = try settings(
            "batch: {slices: 8, samples: 256}\nsteps: 1_00\nmethod: 'mlcd'\noptimizer: {}\n")
        #expect(a.bitsText == b.bitsText)
    }

    @Test func `two run files that differ are told apart by key and values`() throws {
        let (_, a) = try settings(small)
        let (_, b) = try settings(small + "seed: 3\noptimizer: {kind: sgd}\n")
        let found = differences(a.bitsText, b.bitsText).map(\.description)
        #expect(found.contains("seed: 0 against 3"))
        #expect(found.contains("optimizer.kind: adamw against sgd"))
        #expect(found.contains("optimizer.beta1: 0.9 against not set"))
        #expect(differences(a.bitsText, a.bitsText).isEmpty)
    }

    @Test(arguments: [
        ("method: mlcs\n", "did you mean 'mlcd'?"),
        ("optimizer: {kind: sgd, beta1: 0.9}\n", "optimizer.beta1: unknown key"),
        ("schedule: {warmupSteps: 101}\n", "101 of 100 steps"),
        ("schedule: {warmupSteps: 1, warmupFraction: 0.1}\n", "stands beside warmupSteps"),
        ("data: {kind: idx}\n", "data.path: is missing"),
        ("data: {count: 0}\n", "data.count"),
        ("schedule: {kind: multi-step}\n", "schedule.milestones: is missing"),
        ("schedule: {kind: multi-step, milestones: [5, 5]}\n", "do not rise"),
        ("evaluate: {every: 5, everyEpoch: true}\n", "evaluate.everyEpoch: checkpoints are"),
        ("checkpoint: {keep: 1}\n", "a whole number from 2 to 1000"),
        ("checkpoint: {copyBudget: 512}\n", "is no number of bytes with a unit"),
        (
            "checkpoint: {copyBudget: 2 TiB}\n",
            "with its unit (TiB, GiB, MiB, KiB, B), 0 B to 1 TiB"
        ),
        ("coordinator: {heartbeat: 2 s}\n", "shorter than two heartbeats"),
        ("coordinator: {hangTerm: 120 s}\n", "121 s to 1 h"),
        ("coordinator: {leaseTerm: 10 min, hangTerm: 150 s}\n", "shorter than leaseTerm"),
        ("optimizr: {}\n", "did you mean 'optimizer'?"),
        ("network: {}\n", "network: unknown key"),
    ])
    func `what does not fit together is refused`(line: String, expected: String) {
        let text =
            line.hasPrefix("method") ? small.replacing("method: mlcd\n", with: line) : small + line
        #expect(problem(text).contains(expected), "\(problem(text))")
    }

    @Test(arguments: [
        ("1 GiB", 1 << 30, "1 GiB"), ("1.5 GiB", 3 << 29, "1536 MiB"), ("0 MiB", 0, "0 B"),
        ("1000KiB", 1_024_000, "1000 KiB"), ("77 B", 77, "77 B"),
    ])
    func `a number of bytes has a unit and one canonical text`(
        text: String, bytes: Int, canonical: String
    ) throws {
        let (settings, resolved) = try settings(small + "checkpoint: {copyBudget: \(text)}\n")
        #expect(settings.checkpoint.copyBudget == bytes)
        let entry = resolved.entries.first { $0.key == "checkpoint.copyBudget" }
        #expect(entry?.value == "\"\(canonical)\"" && entry?.kind == .free)
    }

    @Test(arguments: [
        ("warmup-linear", 1), ("warmup-cosine", 1), ("polynomial", 1), ("halved-polynomial", 2),
        ("one-cycle", 1), ("constant", 1),
    ])
    func `every schedule can be named, with its power`(kind: String, power: Int) throws {
        let (settings, _) = try settings(small + "schedule: {kind: \(kind)}\n")
        #expect(settings.schedule.kind.rawValue == kind && settings.schedule.power == power)
        #expect(settings.schedule.warmupSteps == (kind == "constant" ? 0 : 10))
    }

    @Test func `a key that came later counts where it is not at its default`() throws {
        func read(_ text: String) throws -> (Int, ResolvedRunFile) {
            let document = try RunDocument(text: text, file: "r.yaml")
            let value = document.root.int("depth", in: 0...9, default: 3, .later)
            _ = document.root.int("width", in: 0...9, default: 1)
            return (value, try document.finish())
        }
        let (_, absent) = try read("width: 2\n")
        let (_, given) = try read("width: 2\ndepth: 3\n")
        let (value, other) = try read("width: 2\ndepth: 4\n")
        #expect(absent.bitsText == "width: 2\n" && given.bitsText == absent.bitsText)
        #expect(absent.text == given.text && absent.text.contains("depth: 3"))
        #expect(value == 4 && other.bitsText == "depth: 4\nwidth: 2\n")
    }

    @Test func `more slices than samples are refused`() {
        let text = small.replacing("slices: 8", with: "slices: 257")
        #expect(problem(text).contains("batch.slices: 257 slices of 256 samples"))
    }

    @Test(arguments: [(3000, 300), (25, 2), (29, 2), (10, 1), (9, 0), (1, 0)])
    func `a tenth of the steps is warm-up, rounded down`(steps: Int, expected: Int) throws {
        let (settings, _) = try settings(small.replacing("100", with: "\(steps)"))
        #expect(settings.schedule.warmupSteps == expected)
    }
}
