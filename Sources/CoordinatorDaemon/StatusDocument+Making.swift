import CoordinatorCore
import Evaluation
import Foundation
import Optimizers

extension StatusDocument {
    /// The machine's view joined with the engine's figures.
    init(
        _ machine: MachineStatus, figures: FigureBoard.Figures, traffic: [TrafficBoard.Count],
        rounds: [Round], evaluation: EvaluationRecord?
    ) {
        self.run = machine.runName
        state = machine.state.rawValue
        detail =
            machine.state == .starting && !figures.preparation.isEmpty
            ? figures.preparation : machine.detail
        step = machine.step
        steps = machine.steps
        recorded = machine.recorded
        loss = figures.last?.loss
        samplesPerSecond = figures.samplesPerSecond
        etaSeconds = figures.secondsPerStep.map { $0 * Double(machine.steps - machine.step) }
        checkpointStep = machine.checkpointStep
        epoch = Int(machine.epoch)
        exchanges = rounds
        workers = machine.workers.map { worker in
            Worker(
                name: worker.name, state: worker.state.rawValue, incarnation: worker.incarnation,
                slicesDone: worker.slicesDone, lastSeenSeconds: worker.lastSeenSeconds,
                phase: worker.phase, host: "\(worker.host) pid \(worker.processID)",
                slots: worker.slots, sliceSeconds: worker.sliceSeconds, end: worker.end)
        }
        tables = figures.tables
        waiting = machine.waiting.map { Wait($0) }
        critical = machine.critical.map { Wait($0) }
        quarantine = machine.quarantine.map {
            Quarantined(worker: $0.worker, reason: $0.reason, sinceSeconds: $0.sinceSeconds)
        }
        self.traffic = zip(TrafficBoard.Kind.allCases, traffic).map { Transfer($0, $1) }
        phases = figures.phases.named.map { Phase(name: $0.name, seconds: $0.seconds) }
        self.figures = (figures.last?.figures ?? []).map { Figure(name: $0.name, value: $0.value) }
        self.evaluation = evaluation.map { record in
            Evaluated(
                step: record.step,
                accuracies: record.accuracies.map { Figure(name: $0.name, value: $0.value) })
        }
    }

    /// Every key at all times: what cannot be told yet is null.
    public func encode(to encoder: any Encoder) throws {
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(run, forKey: .run)
        try keys.encode(state, forKey: .state)
        try keys.encode(detail, forKey: .detail)
        try keys.encode(step, forKey: .step)
        try keys.encode(steps, forKey: .steps)
        try keys.encode(recorded, forKey: .recorded)
        try keys.encode(etaSeconds, forKey: .etaSeconds)
        try keys.encode(loss, forKey: .loss)
        try keys.encode(samplesPerSecond, forKey: .samplesPerSecond)
        try keys.encode(checkpointStep, forKey: .checkpointStep)
        try keys.encode(epoch, forKey: .epoch)
        try keys.encode(exchanges, forKey: .exchanges)
        try keys.encode(workers, forKey: .workers)
        try keys.encode(tables, forKey: .tables)
        try keys.encode(waiting, forKey: .waiting)
        try keys.encode(figures, forKey: .figures)
        try keys.encode(evaluation, forKey: .evaluation)
        try keys.encode(traffic, forKey: .traffic)
        try keys.encode(phases, forKey: .phases)
        try keys.encode(quarantine, forKey: .quarantine)
        try keys.encode(critical, forKey: .critical)
    }

    /// The document that `json` made.
    ///
    /// - Throws: `DecodingError` if the text is no status document.
    public init(json: String) throws {
        self = try JSONDecoder().decode(StatusDocument.self, from: Data(json.utf8))
    }

    /// Whether the run will make no further step.
    public var isOver: Bool { state == "done" || state == "failed" }
}
