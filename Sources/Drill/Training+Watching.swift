import Client
import CoordinatorDaemon
import Foundation
import Keys
import Processes
import Storage

// What a training's files and its coordinator say while it goes on.
extension Training {
    /// Between two looks at the status.
    private static let lookEvery = Duration.milliseconds(50)
    /// The same while a fault lasts whose cause has not been named: some are over soon.
    private static let lookSoon = Duration.milliseconds(10)
    /// A status that does not come for so long is one of a coordinator that is gone.
    private static let lookMax = Duration.seconds(2)
    /// A run in which no step was made for so long, and for so many times as a step takes, hangs.
    private static let stillSecondsMax = 120.0
    private static let stillStepsMax = 20.0

    /// Follows ledger and figures until the coordinator has ended by itself.
    func watch() async throws {
        while true {
            readTails()
            if let end = coordinator?.hasEnded {
                guard end == .code(0) else {
                    throw DrillError.coordinator(
                        "ended with \(end): "
                            + lastWords(options.logs + "/coordinator-\(lives).log"))
                }
                readTails()
                isOver = true
                return
            }
            try checkThatItMoves()
            try await Task.sleep(for: Self.tailEvery)
        }
    }

    private func checkThatItMoves() throws {
        let isStarting = look.map { $0.document.state == "starting" } ?? (timeline.made.isEmpty)
        if isStarting { moved = now }
        let limit = max(Self.stillSecondsMax, Self.stillStepsMax * timeline.recentStepSeconds)
        guard now - max(moved, timeline.made.last?.at ?? 0) < limit else {
            throw DrillError.hang(what: "a step", seconds: Int(limit))
        }
    }

    private func readTails() {
        let decoder = JSONDecoder()
        for line in ledger.newLines() {
            // A line that is none shows in the ledger's verification at the end.
            guard let value = try? JSONValue(parsing: line), let record = LedgerRecord(json: value)
            else { continue }
            timeline.note(record, at: now)
        }
        for line in figures.newLines() {
            guard let figure = try? decoder.decode(StepFigure.self, from: Data(line.utf8)) else {
                continue
            }
            timeline.note(madeStep: figure.step, at: now)
        }
    }

    /// The part of a line of `metrics.jsonl` that is wanted.
    private struct StepFigure: Decodable {
        var step: Int
    }

    /// Asks for the status over and over; while nobody answers there is none.
    func watchStatus() async {
        while !isOver, !Task.isCancelled {
            if let url {
                let client = StatusClient(
                    network: network, url: url, credential: options.keys?.credential,
                    timeout: Self.lookMax)
                let asked = now
                let text = try? await client.status(name: "drill")  // nobody there: no look
                let document = text.flatMap { try? StatusDocument(json: $0) }
                if self.url == url {
                    look = document.map { Look(at: now, document: $0) }
                    if let document { hear(document, from: url, askedAt: asked) }
                }
            }
            let isEager = causes.values.contains { !$0.watches.allSatisfy(\.isSettled) }
            // Cancelled: the loop ends.
            try? await Task.sleep(for: isEager ? Self.lookSoon : Self.lookEvery)
        }
    }

    // MARK: Causes

    /// Listens to what `pleiad why` says of a fault from now on.
    func listen(for watches: [CauseWatch], of fault: Int) { causes[fault] = (watches, now) }

    /// Listens no more; what was said of the fault.
    func stopListening(to fault: Int) -> [NamedCause] {
        causes.removeValue(forKey: fault)?.watches.map(\.result) ?? []
    }

    private func hear(_ document: StatusDocument, from url: String, askedAt asked: Double) {
        let report = WhyReport(document, url: url)
        for (fault, var entry) in causes where asked >= entry.since {
            for place in entry.watches.indices where entry.watches[place].lasts(document) {
                entry.watches[place].hear(report, after: asked - entry.since)
            }
            causes[fault] = entry
        }
    }
}
