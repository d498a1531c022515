import Foundation
import Testing

@testable import CoordinatorDaemon
@testable import Drill

/// Whether `pleiad why` named the cause of a fault, on answers that are made up.
@Suite struct CauseWatchTests {
    /// A status of a run of two workers, w1 in its second life.
    private func document(
        w1 state: String = "ready", incarnation: String = "1.2", end: String = "", step: Int = 7,
        recorded: Int = 0, runState: String = "running", critical: StatusDocument.Wait? = nil
    ) -> StatusDocument {
        func worker(
            _ name: String, _ incarnation: String, _ state: String, _ end: String
        )
            -> StatusDocument.Worker
        {
            StatusDocument.Worker(
                name: name, state: state, incarnation: incarnation, slicesDone: 0,
                lastSeenSeconds: 0.1, phase: "", host: "", slots: 1, end: end)
        }
        return StatusDocument(
            run: "run", state: runState, detail: "", step: step, steps: 100, recorded: recorded,
            samplesPerSecond: 0, epoch: 1, exchanges: [],
            workers: [worker("w1", incarnation, state, end), worker("w2", "1.3", "ready", "")],
            tables: [], waiting: critical.map { [$0] } ?? [], critical: critical, figures: [],
            quarantine: [], traffic: [], phases: [])
    }

    private func wait(_ kind: String, _ what: String, on who: String) -> StatusDocument.Wait {
        StatusDocument.Wait(kind: kind, what: what, who: who, sinceSeconds: 1, next: "")
    }

    /// What a watch makes of answers, each asked for so many seconds after the fault.
    private func result(
        _ watch: CauseWatch, _ answers: [(after: Double, document: StatusDocument)]
    ) -> NamedCause {
        var watch = watch
        for (after, document) in answers where watch.lasts(document) {
            watch.hear(WhyReport(document, url: "tcp://here"), after: after)
        }
        return watch.result
    }

    private let lost = CauseWatch(.lostWorker, worker: "w1", incarnation: "1.2", step: 7)
    private let silent = CauseWatch(.silentWorker, worker: "w1", incarnation: "1.2", step: 7)
    private let again = CauseWatch(.stepsMadeAgain, step: 7)

    @Test func `a lost worker is named by its life and its end`() {
        let gone = document(w1: "lost", end: "its connection closed")
        let named = result(lost, [(0.01, document()), (0.02, gone)])
        #expect(named.outcome == .named && named.afterSeconds == 0.02 && !named.isCritical)
        #expect(named.said == "worker w1 is lost (its connection closed)")
        // That an earlier life was lost says nothing of this one.
        let earlier = document(w1: "lost", incarnation: "1.1", end: "its connection closed")
        #expect(result(lost, [(0.5, earlier)]).outcome == .tooShort)
        // Lost for something else.
        let hung = document(w1: "lost", end: "a slice of it hangs")
        #expect(result(lost, [(0.5, hung)]).outcome == .notNamed)
    }

    @Test func `where nobody else works the lost worker holds the run up`() {
        let critical = wait(
            "noWorker", "a worker that is ready, since worker w1 is lost (its connection closed)",
            on: "nobody")
        let named = result(
            lost, [(0.1, document(w1: "lost", end: "its connection closed", critical: critical))])
        #expect(named.outcome == .named && named.isCritical)
    }

    @Test func `a fault that is over before it is asked about is no success`() {
        #expect(result(lost, []).outcome == .tooShort)
        // Too early to know; then the worker is back in a new life.
        let back = document(incarnation: "1.9")
        let soon = result(lost, [(0.05, document()), (0.3, back)])
        #expect(soon.outcome == .tooShort && soon.answers == 0)
    }

    @Test func `an answer that should know and does not is a failure`() {
        let missed = result(lost, [(0.3, document())])
        #expect(missed.outcome == .notNamed && missed.answers == 1)
        #expect(missed.said == "nothing holds the run up")
        let other = wait("slice", "slice 3 of step 7, silent for 1.6 s", on: "worker w2")
        let wrong = result(silent, [(1.7, document(w1: "suspect", critical: other))])
        #expect(wrong.outcome == .notNamed && wrong.said?.contains("slice 3") == true)
    }

    @Test func `a silent worker is named first as what holds the run up, then as lost`() {
        let critical = wait("slice", "slice 3 of step 7, silent for 1.6 s", on: "worker w1")
        let gone = document(w1: "lost", end: "no sign of life")
        let named = result(
            silent,
            [(0.2, document()), (1.6, document(w1: "suspect", critical: critical)), (2.6, gone)])
        #expect(named.outcome == .named && named.isCritical && named.afterSeconds == 1.6)
        let held = result(silent, [(2.6, gone)])
        #expect(held.outcome == .named && !held.isCritical)
    }

    @Test func `steps that are made again are named until the first new one`() {
        let named = result(
            again,
            [
                (0.1, document(step: 3, recorded: 8, runState: "starting")),
                (0.8, document(step: 3, recorded: 8)),
            ])
        #expect(named.outcome == .named && named.answers == 1)
        #expect(named.said == "steps 3 to 7 are made again")
        #expect(result(again, [(0.8, document(step: 3, recorded: 0))]).outcome == .notNamed)
        #expect(result(again, [(0.8, document(step: 9, recorded: 8))]).outcome == .tooShort)
    }

    @Test func `a cause that was not named breaks the promise, one too short is said to be`() {
        func verdict(_ causes: [NamedCause]) -> Verdict {
            let fault = FaultReport(
                number: 4, kind: .killWorker, target: "w1", processID: 1, at: 0.3, step: 3,
                hadOthers: true, why: causes, recoveredSeconds: 0.2, othersUndisturbed: true,
                problems: [])
            let evidence = Evidence(timeline: Timeline(), ledger: [], digest: "", digestStep: 0)
            return Verdict(planned: 1, faults: [fault], faulted: evidence, faultFree: evidence)
        }
        func promise(_ causes: [NamedCause]) -> Promise? {
            verdict(causes).promises.first { $0.name.hasPrefix("why named the cause") }
        }
        let missed = result(lost, [(0.3, document())])
        #expect(promise([missed])?.held == false)
        #expect(promise([missed])?.detail == "fault 4, lost worker: nothing holds the run up")
        let short = promise([result(lost, [])])
        #expect(short?.held == true)
        #expect(short?.detail == "0 causes named, 1 were over too soon to ask")
    }
}
