import Datasets
import Identity
import Methods
import Storage
import Testing

@testable import Verification

/// A forgery with valid checksums, and the words in which it is named.
struct Forged: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var step: Int
    var words: String
    var forgery: MadeRun.Forgery

    init(
        _ name: String, step: Int = 9, _ words: String,
        _ forgery: @escaping MadeRun.Forgery
    ) {
        (testDescription, self.step, self.words, self.forgery) = (name, step, words, forgery)
    }

    static let all = [
        Forged("a range that ends one early", "gives slice 1 the rows 2..<4, the schedule 2..<5") {
            $0.setSlice(1, "rows", [2, 4])
        },
        Forged("a range that begins one late", "gives slice 1 the rows 3..<5") {
            $0.setSlice(1, "rows", [3, 5])
        },
        Forged("a range that is empty", "has a slice without rows") {
            $0.setSlice(0, "rows", [0, 0])
        },
        Forged("a slice that was lost", "has slice 2 where the schedule has 1") {
            $0.changeSlices { $0.remove(at: 1) }
        },
        Forged("the last slice that was lost", "lacks slice 2") {
            $0.changeSlices { $0.removeLast() }
        },
        Forged("a slice that counts twice", "has slice 1 where the schedule has 2") {
            $0.changeSlices { $0.insert($0[1], at: 1) }
        },
        Forged("a slice too many", "has slice 2 where the schedule has none") {
            $0.changeSlices { $0.append($0[2]) }
        },
        Forged("slices out of order", "has slice 1 where the schedule has 0") {
            $0.changeSlices { $0.swapAt(0, 1) }
        },
        Forged("samples of another step", "holds other samples than the schedule of step 9") {
            $0.set("samples", .string(sha256("others").hex))
        },
        Forged("another step's number", "is of step 10, not of step 9") {
            $0.set("step", 10)
        },
        Forged("another data epoch", "has data epoch 0, step 9 lies in 1") {
            $0.set("dataEpoch", 0)
        },
        Forged("a version that nothing led to", "begins with version") {
            $0.set("version", .string(sha256("another").hex))
        },
        Forged("a first version that is not the seed's", step: 0, "the run with") {
            $0.set("version", .string(sha256("another").hex))
        },
        Forged("a result that was never leased", "which was never leased") {
            $0.setSlice(2, "attempts", 0)
        },
        Forged("more leases than can be added up", "has no valid 'attempts'") {
            for slice in [0, 2] { $0.setSlice(slice, "attempts", .integer(.max)) }
        },
        Forged("a result of nobody", "has a slice that nobody delivered") {
            $0.setSlice(2, "worker", "")
        },
        Forged("a digest that is none", "has no valid digest 'gradient'") {
            $0.set("gradient", "12")
        },
        Forged("a leaf without digest", "has no valid digest 'leaf'") {
            $0.setSlice(0, "leaf", "12")
        },
        Forged("a missing member", "has no valid digest 'samples'") { members in
            members.removeAll { $0.key == "samples" }
        },
        Forged("a negative number", "has no valid 'step'") { $0.set("step", -1) },
    ]
}

@Suite struct LedgerAuditTests {
    @Test(arguments: [0, 1, 6, 7, 20, 40], [false, true])
    func `a ledger that is right is proved`(steps: Int, dropLast: Bool) throws {
        let run = try MadeRun(steps: steps, dropLast: dropLast, checkpoints: [steps])
        let report = try run.ledgerReport()
        #expect(report.isSound && report.notes.isEmpty, "\(report.ledgerText)")
        let ledger = try #require(report.ledger)
        let perEpoch = dropLast ? 6 : 7
        #expect(ledger.steps == steps && ledger.dataEpochs == steps / perEpoch)
        let rest = (0..<steps % perEpoch).reduce(0) { sum, _ in sum + 8 }
        #expect(ledger.samples == steps / perEpoch * (dropLast ? 48 : 50) + rest)
        #expect(ledger.firstVersion == run.name(0) && ledger.checkpoints == [steps])
        #expect(ledger.versions.last == (steps > 0 ? run.name(steps) : nil))
    }

    @Test func `who delivered, and how many leases that took, is counted`() throws {
        let ledger = try #require(try MadeRun(steps: 3).ledgerReport().ledger)
        #expect(ledger.slices == 9 && ledger.leases == 12)
        #expect(ledger.workers.map(\.worker) == ["a", "b"])
        #expect(ledger.workers.map(\.slices) == [3, 6])
    }

    @Test(arguments: Forged.all)
    func `a forged record with a valid checksum is named by line`(forged: Forged) throws {
        let run = try MadeRun(
            steps: 12, checkpoints: [12], forgeries: [forged.step: forged.forgery])
        let report = try run.ledgerReport()
        let problem = try #require(report.problems.first)
        #expect(report.problems.count == 1)
        #expect(problem.file == "ledger" && problem.line == forged.step + 1)
        #expect(problem.reason.contains(forged.words), "\(problem)")
        #expect(problem.reason.hasPrefix("line \(forged.step + 1) "))
        #expect(report.ledger?.steps == forged.step, "what comes before it stands")
    }

    @Test func `a step that is missing or there twice is named`() throws {
        for (kept, reason) in [
            ([0, 1, 3, 4], "line 3 is of step 3, not of step 2"),
            ([0, 1, 1, 2], "line 3 is of step 1, not of step 2"),
        ] {
            let run = try MadeRun(steps: 5, endsInOrder: false)
            let records = run.records
            try run.disk.removeFile(run.path("ledger"))
            let log = try AppendOnlyLog(path: run.path("ledger"), fileSystem: run.disk)
            for step in kept { try log.append(records[step]) }
            let report = try run.ledgerReport()
            #expect(report.problems.first?.reason == reason)
        }
    }

    @Test func `a ledger of more steps than the run has is named`() throws {
        let report = try MadeRun(steps: 41).ledgerReport()
        #expect(report.problems.first?.reason == "line 41 is of step 40 of a run of 40")
    }

    @Test func `a checkpoint of another version than the ledger records is named`() throws {
        let other = sha256("other").hex
        let run = try MadeRun(
            steps: 8, checkpoints: [5],
            forgeries: [
                4: { $0.set("next", .string(other)) }, 5: { $0.set("version", .string(other)) },
            ])
        let report = try run.ledgerReport()
        #expect(report.problems.map(\.file) == ["checkpoints/step-5/manifest.json"])
        #expect(report.problems[0].reason.contains("after 5 steps"), "\(report.problems)")
    }

    @Test func `rows are computed as the sampler deals them`() throws {
        for (count, batch, slices, dropLast) in [
            (50, 8, 3, false), (50, 8, 3, true), (7, 7, 7, true), (9, 4, 4, false),
            (1000, 96, 8, false),
        ] {
            let text = MadeRun.text(dropLast: dropLast).replacing(
                "samples: 8, slices: 3", with: "samples: \(batch), slices: \(slices)")
            let plan = try RunPlan(text: text, file: "run.yaml")
            let schedule = try RunSchedule(plan, count: count)
            let sampler = plan.sampler(count: count)
            #expect(schedule.stepsPerEpoch == sampler.stepsPerEpoch)
            for step in 0..<3 * sampler.stepsPerEpoch {
                #expect(schedule.batchCount(step) == sampler.batchCount(step: step))
                let rows = (0..<slices).map { sampler.rows(step: step, slice: $0) }
                #expect(schedule.rows(step).map(\.rows) == rows.filter { !$0.isEmpty })
            }
        }
    }

    @Test func `a sample that is visited twice in a data epoch is found`() {
        var coverage = DataEpochCoverage(count: 130)
        coverage.begin()
        #expect(coverage.visit([0, 63, 64, 129]) == nil)
        #expect(coverage.visit([1, 64]) == 64)
        coverage.begin()
        #expect(coverage.visit([64, 129]) == nil && coverage.visited == 2)
    }
}
