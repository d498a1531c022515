import ArgumentParser
internal import Networks
internal import Optimizers
internal import Tensors

/// One network, batch and optimizer whose training step is measured.
struct StepCase: Sendable {
    /// As in the output.
    let name: String
    /// The batch, `[B, C, H, W]`.
    let images: Shape
    /// Images of a slice where nothing else is asked for.
    let slice: Int
    /// Floating-point operations of a step: those of the products and convolutions, each
    /// multiply-add as two, backward twice as many as forward.
    let operations: Double
    /// How parameters move.
    let rule: UpdateRule
    /// The learning rate.
    let rate: Double
    /// The script and arguments with which a peer does the same work.
    let peer: (script: String, arguments: [String])
    /// The network.
    let network: @Sendable () -> MeasuredNetwork
}

/// Options of subcommands that measure training steps.
struct StepOptions: ParsableArguments {
    @Option(
        name: .customLong("case"), parsing: .singleValue,
        help: "A case to measure; may be given several times. Default: all.")
    var cases: [String] = []

    @Option(help: "Slots, and threads of the peer.")
    var slots = 2

    @Option(help: "Images of a slice; divides the batch. Default: the case's own.")
    var slice: Int?

    @Option(help: "Seconds of measuring for each case, start of the peers aside.")
    var seconds = 45.0

    @Option(help: "A Python interpreter that has torch, timm and torchvision.")
    var peer: String?

    @Flag(help: "Compare loss and gradient norm with the peer's for equal weights; no timing.")
    var check = false

    func validate() throws {
        guard slots >= 1, slots <= 64 else { throw ValidationError("--slots is 1 to 64") }
        guard seconds > 0 else { throw ValidationError("--seconds is more than 0") }
        guard !check || peer != nil else { throw ValidationError("--check needs --peer PYTHON") }
    }

    /// Measures those of the cases that were asked for.
    func run(_ known: [StepCase]) throws {
        for name in cases where !known.contains(where: { $0.name == name }) {
            let names = known.map(\.name).joined(separator: ", ")
            throw BenchError("no case is named \(name): there are \(names)")
        }
        for item in known where cases.isEmpty || cases.contains(item.name) {
            if let slice, slice < 1 || item.images[0] % slice != 0 {
                throw BenchError("--slice \(slice) does not divide \(item.images[0]) images")
            }
            let line =
                try check
                ? StepCheck(item, options: self).run() : StepBenchmark(item, options: self).run()
            line.write()
        }
    }

    /// The step of a case under these options.
    func makeStep(_ item: StepCase) -> TrainingStep {
        TrainingStep(
            item.network(),
            TrainingStep.Settings(
                images: images(of: item), slice: slice ?? item.slice, slots: slots,
                rule: item.rule, rate: item.rate))
    }

    /// The batch of a case: normal numbers, the same every time.
    func images(of item: StepCase) -> Tensor {
        CounterRandom(seed: 1, stream: .test).normalTensor(item.images)
    }
}

/// Times a case's step on all slots and on one, and the peer's, in turns.
struct StepBenchmark {
    private let item: StepCase
    private let options: StepOptions

    /// Each takes 40 ms, so that one moment in which a core is away does not decide.
    private static let peaksPerRound = 5

    init(_ item: StepCase, options: StepOptions) {
        self.item = item
        self.options = options
    }

    /// The measured line.
    func run() throws -> CaseLine {
        remark("\(item.name) begins")
        let step = options.makeStep(item)
        let crew = SlotCrew(count: options.slots)
        defer { crew.dismiss() }
        var phases: [StepSeconds] = []
        var entrants = [
            Entrant(name: "ours") { count in
                let steps = (0..<count).map { _ in step.run(slots: options.slots) }
                phases += steps
                return steps.map(\.total)
            }
        ]
        if options.slots > 1 {
            entrants.append(
                Entrant(name: "one slot") { count in
                    (0..<count).map { _ in step.run(slots: 1).total }
                })
        }
        let rivals = try options.peer.map { try Rivals(item, python: $0, threads: options.slots) }
        defer { rivals?.end() }
        entrants += rivals?.entrants ?? []

        var peaks: [Double] = []
        let found = try Turns(seconds: options.seconds).time(entrants) {
            for _ in 0..<Self.peaksPerRound {
                peaks.append(MultiplyAddPeak.measure(crew, slots: options.slots))
            }
        }
        let seconds = Dictionary(
            uniqueKeysWithValues: zip(entrants.map(\.name), found.map(median)))
        return line(seconds, peak: median(peaks), phases: phases, rivals: rivals, step: step)
    }

    private func line(
        _ seconds: [String: Double], peak: Double, phases: [StepSeconds], rivals: Rivals?,
        step: TrainingStep
    ) -> CaseLine {
        let ours = seconds["ours"] ?? .nan
        let batch = Double(item.images[0])
        var line = CaseLine(item.name)
        line.set("seconds", ours)
        line.set("images_per_second", batch / ours)
        line.set("gflops", item.operations / ours * 1e-9)
        line.set("share_of_peak", item.operations / ours / peak)
        line.set("peak_gflops", peak * 1e-9)
        line.set("slots", options.slots)
        line.set("slice", options.slice ?? item.slice)
        if let one = seconds["one slot"] { line.set("scaling", one / ours) }
        line.set(
            "phases",
            [
                ("pack", median(phases.map(\.pack))),
                ("forward", median(phases.map(\.forward))),
                ("backward", median(phases.map(\.backward))),
                ("sum", median(phases.map(\.sum))),
                ("optimizer", median(phases.map(\.optimizer))),
            ])
        line.set("steps", phases.count)
        line.set("loss", step.loss)
        rivals?.add(to: &line, seconds: seconds, ours: ours, batch: batch)
        return line
    }
}
