import Foundation
import Testing

extension SystemTests {
    /// `pleiad status`: what the manual says is there, at every time of a run.
    @Suite struct StatusTests {
        static let keys: Set = [
            "run", "state", "detail", "step", "steps", "recorded", "eta_seconds", "loss",
            "samples_per_second", "checkpoint_step", "epoch", "exchanges", "workers", "tables",
            "waiting", "figures", "evaluation", "traffic", "quarantine", "critical", "phases",
        ]
        static let workerKeys: Set = [
            "name", "state", "incarnation", "slices_done", "last_seen_seconds", "phase", "host",
            "slots", "slice_seconds", "end",
        ]
        static let waitKeys: Set = [
            "kind", "what", "who", "since_seconds", "deadline_seconds", "next",
        ]

        @Test(.timeLimit(.minutes(2)))
        func `status has every key while a run starts, and a stop ends the start`() async throws {
            let run = try await TrainingRun(in: ScratchDirectory(), text: SmallRun.slowToStart)
            let starting = try await run.status()
            #expect(starting.state == "starting")
            #expect(Set(starting.document.keys) == Self.keys)
            #expect(starting.document["detail"] as? String != "")
            let waits = starting.document["waiting"] as? [[String: Any]]
            #expect(Set(waits?.first?.keys.map { $0 } ?? []) == Self.waitKeys)
            run.coordinator.signal(SIGTERM)
            #expect(try await run.coordinator.exitCode(within: 20) == 0)
            let events = try SmallFiles.text(of: run.state + "/events.jsonl")
            #expect(events.contains("the clustering was stopped"), "\(events)")
        }

        @Test(.timeLimit(.minutes(2)))
        func `status has every key while a run goes and when it is done`() async throws {
            let run = try await TrainingRun(in: ScratchDirectory(), options: [])
            for name in ["w1", "w2"] { _ = try run.startWorker(name) }
            let running = try await run.status { $0.step >= 20 }
            #expect(running.state == "running")
            check(running)
            #expect(running.document["loss"] is Double)
            #expect(running.document["eta_seconds"] is Double)
            #expect((running.document["samples_per_second"] as? Double ?? 0) > 0)
            #expect(running.document["steps"] as? Int == SmallRun.steps)
            let traffic = running.document["traffic"] as? [[String: Any]] ?? []
            let names = traffic.map { $0["name"] as? String }
            #expect(names == ["versions", "gradients", "exchanges", "answers"])
            for transfer in traffic {
                #expect(transfer["messages"] as? Int ?? 0 >= 20, "\(transfer)")
                #expect(transfer["bytes"] as? Int ?? 0 > 1000, "\(transfer)")
                #expect(transfer["seconds"] as? Double ?? 0 > 0, "\(transfer)")
                #expect(transfer["bytes_per_second"] as? Double ?? 0 > 0, "\(transfer)")
            }
            let phases = running.document["phases"] as? [[String: Any]] ?? []
            let phaseNames = phases.map { $0["name"] as? String }
            #expect(phaseNames == ["turn", "forward", "exchange", "backward"])
            for phase in phases { #expect(phase["seconds"] as? Double ?? 0 > 0, "\(phase)") }

            #expect(running.document["evaluation"] is NSNull)

            let done = try await run.status { $0.state == "done" }
            check(done)
            #expect(done.step == SmallRun.steps)
            #expect(done.document["checkpoint_step"] as? Int == SmallRun.steps)
            let shown = try await pleiad("status", run.url)
            #expect(shown.code == 0)
            #expect(shown.output.contains("DONE") && shown.output.contains("w2"))
            let watched = try await pleiad("status", run.url, "--watch", within: 20)
            #expect(watched.code == 0)
            run.coordinator.signal(SIGTERM)
            #expect(try await run.coordinator.exitCode(within: 10) == 0)
        }

        private func check(_ status: StatusView) {
            let document = status.document
            #expect(Set(document.keys) == Self.keys)
            let workers = document["workers"] as? [[String: Any]] ?? []
            #expect(workers.map { $0["name"] as? String } == ["w1", "w2"])
            for worker in workers {
                #expect(Set(worker.keys) == Self.workerKeys)
                #expect((worker["slices_done"] as? Int ?? 0) > 0)
            }
            let tables = document["tables"] as? [[String: Any]] ?? []
            #expect(tables.count == 1)
            #expect(tables.first?["name"] as? String == "centers")
            #expect(tables.first?["rows"] as? Int == 32)
            #expect(tables.first?["dim"] as? Int == 32)
            #expect((tables.first?["bytes"] as? Int ?? 0) >= 4 * 32 * 32)
            let exchanges = document["exchanges"] as? [[String: Any]] ?? []
            #expect(exchanges.first?["groups"] as? Int == 4)
            #expect(exchanges.first?["name"] as? String != nil)
        }
    }
}
