internal import Foundation

/// One way of running the same training.
enum ScaleMode: String, CaseIterable {
    case inProcess = "scale-in-process"
    case oneWorker = "scale-workers-1"
    case twoWorkers = "scale-workers-2"

    /// What `pleiad train` is told.
    var arguments: [String] {
        switch self {
        case .inProcess: ["--workers", "1", "--slots", "2", "--in-process"]
        case .oneWorker: ["--workers", "1"]
        case .twoWorkers: ["--workers", "2"]
        }
    }

    /// Versions that travel in a step.
    var workers: Int { self == .twoWorkers ? 2 : 1 }

    /// Slots that compute.
    var slots: Int { self == .oneWorker ? 1 : 2 }
}

/// One `pleiad train`: means over its steps but the first ones.
struct ScaleTurn {
    /// Of a whole step.
    var seconds: Double
    /// From the last result of a step to the opening of the next one.
    var turnSeconds: Double
    /// From the last input of an answer group to its answer, summed over a step's groups.
    var answerSeconds: Double
    /// Gradient nodes that came to the coordinator, at least.
    var nodes: Double
}

/// Runs of the release `pleiad` as real processes, in a folder of their own.
struct ScaleRuns {
    /// Images of a step.
    static let batch = 128
    /// Slices of a step.
    static let slices = 8
    /// The network's parameters in bytes: 6 blocks of width 192, embeddings of 49 patches, norm,
    /// projection to 128 coordinates.
    static let parameterBytes = 10_830_000
    /// Operations of forward and backward for one image: 49 tokens.
    static let operations: Double = {
        let (tokens, depth, width) = (49.0, 6.0, 192.0)
        let projections = 12 * depth * tokens * width * width
        let attention = 2 * depth * tokens * tokens * width
        return 6 * (projections + attention)
    }()

    private let folder: URL
    private let program: URL
    private let stepsOfTurn: Int

    /// A folder with the run file.
    init(stepsOfTurn: Int) throws {
        self.stepsOfTurn = stepsOfTurn
        guard let path = ProcessInfo.processInfo.environment["PLEIAD"],
            FileManager.default.isExecutableFile(atPath: path)
        else {
            throw BenchError(
                "the release pleiad is missing: build it and name it in PLEIAD, or use "
                    + "deploy/bench scale")
        }
        program = URL(fileURLWithPath: path)
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("pleiad-scale-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Self.runFile.write(to: folder.appending("run.yaml"), atomically: true, encoding: .utf8)
    }

    /// Removes the folder.
    func remove() { try? FileManager.default.removeItem(at: folder) }  // the system's own otherwise

    /// All ways in turns, rounds until the time is over, at least two.
    func measure(seconds: Double) throws -> ScaleFigures {
        // The first one clusters; the others take its labels.
        _ = try turn(.inProcess, round: 0)
        var found: [ScaleMode: [ScaleTurn]] = [:]
        let crew = SlotCrew(count: 1)
        defer { crew.dismiss() }
        var peaks: [Double] = []
        let begin = monotonicSeconds()
        var roundSeconds = 0.0
        var round = 1
        while round <= 2 || monotonicSeconds() - begin + roundSeconds < seconds {
            let start = monotonicSeconds()
            // The order turns round, since the machine's speed may depend on what ran before.
            let order = ScaleMode.allCases
            for mode in round % 2 == 0 ? order.reversed() : order {
                found[mode, default: []].append(try turn(mode, round: round))
            }
            peaks.append(MultiplyAddPeak.measure(crew, slots: 1))
            roundSeconds = monotonicSeconds() - start
            round += 1
        }
        return ScaleFigures(turns: found, peakOfOneCore: median(peaks))
    }

    /// One `pleiad train` on a state directory of its own.
    private func turn(_ mode: ScaleMode, round: Int) throws -> ScaleTurn {
        let state = folder.appending("\(mode.rawValue)-\(round)")
        try FileManager.default.createDirectory(at: state, withIntermediateDirectories: true)
        let labels = folder.appending("labels.safetensors")
        if FileManager.default.fileExists(atPath: labels.path) {
            try FileManager.default.copyItem(
                at: labels, to: state.appending("labels.safetensors"))
        }
        let errors = folder.appending("errors.txt")
        try Data().write(to: errors)
        let process = Process()
        process.executableURL = program
        process.arguments =
            ["train", folder.appending("run.yaml").path, "--state", state.path]
            + ["--steps", "\(stepsOfTurn)"] + mode.arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let text = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
            throw BenchError("pleiad train ended with \(process.terminationStatus): \(text)")
        }
        if !FileManager.default.fileExists(atPath: labels.path) {
            try FileManager.default.copyItem(
                at: state.appending("labels.safetensors"), to: labels)
        }
        defer { try? FileManager.default.removeItem(at: state) }  // removed with the folder then
        return try ScaleTurn(state: state)
    }

    private static let runFile = """
        method: mlcd
        name: bench-scale
        seed: 0
        steps: 10000
        data: {kind: fashion-mnist}
        batch: {samples: \(batch), slices: \(slices), answerGroupSamples: 32}
        network: {kind: vit, patch: 4, width: 192, depth: 6, heads: 3}
        views: {area: [0.7, 1.0], aspect: [0.8, 1.25], flip: 0.5}
        optimizer: {kind: adamw, learningRate: 0.001, weightDecay: 0.05}
        schedule: {kind: constant}
        mlcd:
          dim: 128
          centers: 1000
          positives: 8
          scale: 16
          clustering: {features: pixels, pooling: 4, iterations: 3}

        """
}

extension ScaleTurn {
    /// Steps at the beginning that are left out: memory is touched for the first time.
    private static let warmUp = 2

    /// The figures of a run that has ended.
    init(state: URL) throws {
        let steps = try Self.objects(in: state.appending("metrics.jsonl"))
        let moments = steps.compactMap { $0["seconds"] as? Double }
        guard moments.count == steps.count, moments.count > Self.warmUp + 1 else {
            throw BenchError("metrics.jsonl holds \(moments.count) steps that can be used")
        }
        let counted = steps.dropFirst(Self.warmUp + 1)
        func mean(_ key: String) -> Double {
            counted.reduce(0) { $0 + ($1[key] as? Double ?? .nan) } / Double(counted.count)
        }
        seconds = (moments[moments.count - 1] - moments[Self.warmUp]) / Double(counted.count)
        turnSeconds = mean("turn_seconds")
        answerSeconds = mean("answer_seconds")
        let records = try Self.objects(in: state.appending("ledger"))
        let nodes = records.map { record in
            let slices = record["slices"] as? [[String: Any]] ?? []
            return Self.nodeCount(slices.compactMap { $0["worker"] as? String }[...])
        }
        self.nodes = Double(nodes.reduce(0, +)) / Double(max(1, records.count))
    }

    /// How many nodes of the gradient tree cover the slices, none of them of two workers.
    private static func nodeCount(_ workers: ArraySlice<String>) -> Int {
        guard let first = workers.first, workers.contains(where: { $0 != first }) else {
            return workers.isEmpty ? 0 : 1
        }
        var half = 1
        while half * 2 < workers.count { half *= 2 }
        let middle = workers.startIndex + half
        return nodeCount(workers[..<middle]) + nodeCount(workers[middle...])
    }

    private static func objects(in file: URL) throws -> [[String: Any]] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        }
    }
}

extension URL {
    /// A file of this folder.
    fileprivate func appending(_ name: String) -> URL { appendingPathComponent(name) }
}
