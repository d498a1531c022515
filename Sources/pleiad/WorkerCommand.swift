import ArgumentParser
import Foundation
import Identity
import Keys
import Logging
import WorkerCore

/// `pleiad worker`: computes for a coordinator.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Join a coordinator and compute slices for it.",
        discussion: """
            Needs nothing but the data: what is to be done comes from the coordinator, which is \
            'pleiad coordinator', 'train' or 'cluster'. Tries its first join for 60 s, reconnects \
            for ever after that, and ends when the run is over. Ctrl-C or SIGTERM hands its slices \
            back and leaves.

            Exit codes: 0 nothing is left to do; 1 the run failed or nobody answers; 2 what it was \
            given does not fit the run; 3 it computed wrong bits and is kept out.

            Examples:
              pleiad worker --join tcp://127.0.0.1:4700
              pleiad worker --join tcp://127.0.0.1:4700 --shards 0-3
              pleiad worker --join tls+tcp://10.0.0.5:4700 --keys pleiad-keys --slots 4
              pleiad worker --join tcp://127.0.0.1:4700 --features z.npy
            """)

    @Option(help: "The coordinator; default PLEIAD_COORDINATOR or \(Address.standard).")
    var join: String?

    @Option(help: "Compute threads; each works on one slice at a time.")
    var slots = 1

    @Option(
        help: """
            The name in status; unique among live workers. Default: host (or the keys' name) and \
            process.
            """)
    var name: String?

    @Option(help: "The folder of the data set. Default: what the run file says.")
    var data: String?

    @Option(
        help: """
            The data shards that this worker holds, such as 0-3,7; only their images stay in \
            memory. Default: all.
            """)
    var shards: ShardList?

    @Option(
        help: """
            The features of a clustering that is joined: .npy, safetensors or a folder; several \
            are taken one after the other. Default: where its coordinator found them.
            """)
    var features: [String] = []

    @Option(help: "MiB that activations of parked slices may take; past it forward runs again.")
    var activationBudget = WorkerOptions.activationBudgetBytesDefault >> 20

    @Flag(help: "Join a coordinator on another machine without encryption.")
    var insecure = false

    @OptionGroup var keysOptions: KeysOptions

    @Option(help: .init("End when this parent process ends.", visibility: .private))
    var parent: Int32?

    func validate() throws {
        guard (1...1024).contains(slots) else {
            throw ValidationError("--slots must be between 1 and 1024.")
        }
        guard (0...(1 << 30)).contains(activationBudget) else {
            throw ValidationError("--activation-budget must be between 0 and 1073741824 MiB.")
        }
    }

    func run() async throws {
        let keys = try keysOptions.load()
        let options = WorkerOptions(
            url: try Address.coordinator(join),
            name: name ?? defaultName(keys?.credential), slots: slots,
            dataDirectory: data, shards: shards?.numbers ?? [], features: features,
            insecure: insecure,
            credential: keys?.credential,
            activationBudgetBytes: activationBudget << 20)
        let outcome = try await ending(with: parent) {
            try await runWorkerProcess(
                options, network: network(for: join, keys: keys),
                logger: Logger(label: "pleiad.worker"))
        }
        switch outcome.exitCode {
        case 0: return
        case 2: throw BadInput(description: outcome.sentence)
        case WorkerOutcome.quarantinedCode: throw Quarantined(description: outcome.sentence)
        default: throw RunFailed(description: outcome.sentence)
        }
    }

    private func defaultName(_ credential: Credential?) -> String {
        let process = ProcessInfo.processInfo
        if case .token(let token)? = credential {
            return "\(token.name).\(process.processIdentifier)"
        }
        return "\(process.hostName)-\(process.processIdentifier)"
    }
}
