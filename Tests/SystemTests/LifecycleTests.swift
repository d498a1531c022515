import Foundation
import Testing

extension SystemTests {
    /// How coordinators and workers come and go on purpose, or are held up.
    @Suite struct LifecycleTests {
        @Test(.timeLimit(.minutes(2)), arguments: [SIGTERM, SIGINT])
        func `a worker that is told to stop hands back and leaves`(signal: Int32) async throws {
            let run = try await TrainingRun(in: ScratchDirectory())
            let leaver = try run.startWorker("w1")
            let stayer = try run.startWorker("w2")
            _ = try await run.status { $0.step >= 10 && $0.state(of: "w1") == "ready" }
            leaver.signal(signal)
            #expect(try await leaver.exitCode(within: 10) == 0, "\(leaver.errors)")
            let status = try await run.status()
            #expect(status.state(of: "w1") == "left" && status.state(of: "w2") == "ready")
            #expect(status.step < SmallRun.steps)
            #expect(try await run.digestWhenDone() == SmallRun.digest.value)
            #expect(try await stayer.exitCode(within: 10) == 0)
        }

        @Test(.timeLimit(.minutes(2)), arguments: [SIGTERM, SIGINT])
        func `a coordinator that is told to stop ends the step, saves, and frees its workers`(
            signal: Int32
        ) async throws {
            let run = try await TrainingRun(in: ScratchDirectory())
            let workers = try ["w1", "w2"].map { try run.startWorker($0) }
            let before = try await run.wait(forStep: 20).step
            run.coordinator.signal(signal)
            #expect(try await run.coordinator.exitCode(within: 15) == 0)
            for worker in workers {
                #expect(try await worker.exitCode(within: 15) == 0, "\(worker.errors)")
            }
            let made = try run.ledgerCount()
            #expect(made >= before && made < SmallRun.steps)
            #expect(try await run.digest().hasPrefix("step \(made)\n"), "saved at its end")
            try await run.restartCoordinator()
            _ = try run.startWorker("w1")
            #expect(try await run.digestWhenDone() == SmallRun.digest.value)
        }

        @Test(.timeLimit(.minutes(2)))
        func `a coordinator without workers stops at once`() async throws {
            let run = try await TrainingRun(in: ScratchDirectory())
            _ = try await run.status { $0.state == "running" }
            run.coordinator.signal(SIGTERM)
            #expect(try await run.coordinator.exitCode(within: 10) == 0)
        }

        @Test(.timeLimit(.minutes(2)))
        func `the slices of a worker that stands still go to others`() async throws {
            let run = try await TrainingRun(in: ScratchDirectory())
            let sleeper = try run.startWorker("w1")
            for name in ["w2", "w3"] { _ = try run.startWorker(name) }
            try await run.wait(forStep: 10)
            let (step, slices) = try await run.stop(sleeper, named: "w1")
            #expect(step < SmallRun.steps - 50)
            let later = try await run.wait(forStep: step + 10)
            #expect(later.state(of: "w1") == "lost")
            sleeper.signal(SIGCONT)
            let awake = try await run.status { $0.state(of: "w1") == "ready" }
            #expect(awake.incarnation(of: "w1") > later.incarnation(of: "w1"))
            #expect(try await run.digestWhenDone() == SmallRun.digest.value)
            #expect(try await sleeper.exitCode(within: 15) == 0)
            let ledger = try run.ledgerSlices(ofStep: step)
            for slice in slices {
                #expect(ledger[slice].attempts >= 2 && ledger[slice].worker != "w1")
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func `started again after its end, a coordinator answers that it is done`() async throws {
            let scratch = try ScratchDirectory()
            let (state, file) = try await HalfRun.copy(to: scratch)
            #expect(try await pleiad("train", file, "--state", state).code == 0)
            let digest = try await pleiad("digest", state).output
            let coordinator = try RunningProgram([
                "coordinator", file, "--state", state, "--listen", "tcp://127.0.0.1:0",
            ])
            let url = try await coordinator.line(after: "listening ", within: 20)
            var status = try await StatusView(of: url)
            for _ in 0..<100 where status.state == "starting" {
                status = try await StatusView(of: url)
            }
            #expect(status.state == "done" && status.step == SmallRun.steps)
            let worker = try await pleiad("worker", "--join", url, within: 20)
            #expect(worker.code == 0, "\(worker.errors)")
            coordinator.signal(SIGTERM)
            #expect(try await coordinator.exitCode(within: 10) == 0)
            #expect(try await pleiad("digest", state).output == digest)
            #expect(digest == (try await SmallRun.digest.value))
        }

        @Test(.timeLimit(.minutes(2)))
        func `workers that are there first join when the coordinator comes`() async throws {
            let place = try await TrainingRun(in: ScratchDirectory())
            let (url, port) = (place.url, String(place.url.split(separator: ":").last ?? ""))
            place.coordinator.signal(SIGTERM)
            #expect(try await place.coordinator.exitCode(within: 10) == 0)
            let workers = try ["w1", "w2"].map {
                try RunningProgram(
                    ["worker", "--name", $0], environment: ["PLEIAD_COORDINATOR": url])
            }
            for worker in workers {
                _ = try await worker.line(containing: "trying again", within: 20)
            }
            let run = try await TrainingRun(in: ScratchDirectory(), port: port)
            #expect(try await run.digestWhenDone() == SmallRun.digest.value)
            for worker in workers { #expect(try await worker.exitCode(within: 10) == 0) }
        }

        @Test(.timeLimit(.minutes(1)))
        func `a worker that waits for a coordinator stops when it is told to`() async throws {
            let worker = try RunningProgram(["worker", "--join", "tcp://127.0.0.1:1"])
            _ = try await worker.line(containing: "trying again", within: 20)
            worker.signal(SIGTERM)
            #expect(try await worker.exitCode(within: 5) == 0)
        }
    }
}
