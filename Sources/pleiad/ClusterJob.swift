import Clustering
import Identity
import Storage

/// A clustering from samples to file: stores its state now and then, and goes on from it.
struct ClusterJob {
    let settings: ClusteringSettings
    /// The file of the result.
    let out: String
    let threads: Int
    /// Whether a stored state is left aside.
    let isAnew: Bool

    /// What was computed for longer is stored at the end of the iteration.
    private static let storedEvery = Duration.seconds(30)

    private var statePath: String { out + ".partial" }

    /// Samples that were looked through, with what belongs to them.
    struct Prepared {
        /// What they are called.
        let name: String
        /// As they are clustered.
        let samples: Samples
        let survey: SampleSurvey
        let preparation: FeaturePreparation
        let begin: ContinuousClock.Instant
    }

    /// Clusters in this process, and writes the result.
    func run(_ source: ClusterSource) throws -> ClusterJobReport {
        let meter = WorkMeter()
        let line = WorkLine(meter)
        line.start()
        defer { line.end() }
        return try explained(meter) {
            let (name, raw) = try source.samples()
            let prepared = try prepared(raw, name, source.preparation, meter)
            return try computed(prepared, meter, line)
        }
    }

    /// Does `body`; that it was stopped is said in a sentence.
    func explained<Value>(_ meter: WorkMeter, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch ClusteringError.stopped {
            let made = meter.reading.iterations
            throw RunFailed(
                description: "stopped after iteration \(made) of \(settings.iterations); "
                    + (made > 0 ? "the same command goes on from \(statePath)" : "begin anew"))
        }
    }

    /// Looks through the samples.
    func prepared(
        _ raw: Samples, _ name: String, _ preparation: FeaturePreparation, _ meter: WorkMeter
    ) throws -> Prepared {
        let begin = ContinuousClock.now
        let survey = try SampleSurvey(raw, threads: threads, meter: meter)
        return Prepared(
            name: name, samples: raw.prepared(preparation, survey: survey), survey: survey,
            preparation: preparation, begin: begin)
    }

    /// Clusters, and writes the result.
    ///
    /// - Parameter assigner: who finds nearest centers; nil for this process.
    func computed(
        _ prepared: Prepared, assigner: (any CenterAssigner)? = nil, _ meter: WorkMeter,
        _ line: WorkLine
    ) throws -> ClusterJobReport {
        let samples = prepared.samples
        let origin = origin(samples, prepared.survey, prepared.preparation)
        let stored = try storedState(origin)
        if let stored { line.say("going on after iteration \(stored.iteration) (\(statePath))") }
        var run = try ClusteringRun(
            samples, settings: settings, resuming: stored, threads: threads, assigner: assigner,
            meter: meter)
        var storedAt = ContinuousClock.now
        do {
            while let done = try run.advance() {
                line.say(description(of: done, run))
                guard ContinuousClock.now - storedAt >= Self.storedEvery else { continue }
                try run.state.write(to: statePath, origin: origin)
                storedAt = .now
            }
            let trained = ContinuousClock.now
            let result = try run.result()
            try result.write(to: out, source: prepared.name)
            if LocalFileSystem().exists(statePath) {
                try LocalFileSystem().removeFile(statePath)
            }
            return ClusterJobReport(
                out: out, samples: samples, result: result, countsScores: assigner == nil,
                seconds: (trained - prepared.begin) / .seconds(1),
                labelSeconds: (ContinuousClock.now - trained) / .seconds(1))
        } catch ClusteringError.stopped {
            if run.iteration > 0 { try run.state.write(to: statePath, origin: origin) }
            throw ClusteringError.stopped
        }
    }

    private func storedState(_ origin: [(key: String, value: String)]) throws -> ClusteringState? {
        guard !isAnew, LocalFileSystem().exists(statePath) else { return nil }
        return try ClusteringState.read(from: statePath, origin: origin)
    }

    /// What a state belongs to: everything that decides its bits, but for the iterations.
    private func origin(
        _ samples: Samples, _ survey: SampleSurvey, _ preparation: FeaturePreparation
    ) -> [(key: String, value: String)] {
        [
            ("centers", "\(settings.clusterCount)"), ("seed", "\(settings.seed)"),
            ("geometry", settings.spherical ? "spherical" : "plain"),
            ("batch", settings.batchCount.map { "\($0)" } ?? "all samples"),
            ("search", settings.search.description(clusterCount: settings.clusterCount)),
            ("samples", "\(samples.count) x \(samples.dim)"),
            (
                "preparation",
                "centred \(preparation.centred), unit length \(preparation.unitLength)"
            ),
            ("features", survey.digest.hex),
        ]
    }

    private func description(of done: KMeansIteration, _ run: ClusteringRun) -> String {
        let mean = run.state.objectives.last ?? 0
        let all = Double(done.assignment.count) * Double(settings.clusterCount)
        let scored = 100 * Double(done.scoreCount) / all
        return "iteration \(done.number + 1)/\(settings.iterations)  "
            + (settings.spherical ? "similarity " : "squared distance ") + significant(mean)
            + "  empty \(grouped(done.refilled))"
            + (done.scoreCount > 0 ? "  scored \(significant(scored)) %" : "")
            + (done.isConverged ? "  nothing changes any more" : "")
    }
}

extension WorkLine {
    /// A line about a clustering, which Ctrl-C and SIGTERM stop.
    convenience init(_ meter: WorkMeter) {
        self.init(stop: { meter.stop() }) { Self.text(meter.reading, $0) }
    }

    /// The line for a reading.
    private static func text(_ reading: WorkMeter.Reading, _ elapsed: Duration) -> String {
        let stage =
            switch reading.stage {
            case .survey: "reading features"
            case .cells: "making cells"
            case .iteration(let number): "iteration \(number)"
            case .labels: "looking labels up"
            case .check: "comparing with an exact search"
            }
        let percent = reading.total > 0 ? 100 * reading.done / reading.total : 0
        var text = "\(stage)  \(percent) %"
        let made = reading.fraction - reading.begun
        if made > 0.001 {
            text += "  ETA \(duration(elapsed / .seconds(1) * (1 - reading.fraction) / made))"
        }
        return text
    }
}
