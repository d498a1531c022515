import ServiceLifecycle
import Transport
import WorkerCore

/// Workers in the coordinator's process, called w1, w2, and so on.
struct InProcessWorkers: Service {
    let url: String
    let network: any Network
    let count: Int
    let slots: Int

    /// Works until each has ended.
    ///
    /// - Throws: `RunFailed` if all were refused or could not prepare: nobody else can join.
    func run() async throws {
        let outcomes = try await withThrowingTaskGroup(of: WorkerOutcome.self) { group in
            for number in 1...count {
                group.addTask {
                    let outcome = try await runWorker(
                        WorkerOptions(url: url, name: "w\(number)", slots: slots),
                        network: network, logger: quietLogger)
                    if outcome.exitCode != 0 {
                        printError("worker w\(number): \(outcome.sentence)")
                    }
                    return outcome
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        guard !outcomes.allSatisfy({ $0.exitCode > 1 }) else {
            throw RunFailed(description: "no worker is left; what is committed stays")
        }
    }
}
