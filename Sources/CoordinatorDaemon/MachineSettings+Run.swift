import CoordinatorCore
import Datasets
import Foundation
import Methods
import Networks
import RunFiles

/// The machine's settings for a run, at one start of the coordinator.
func machineSettings(run: LoadedRun, epoch: UInt32, options: CoordinatorOptions) -> MachineSettings
{
    let settings = run.plan.settings
    let layout = run.plan.method.layout
    let parameterBytes = 4 * (layout.flatCount + layout.bufferLayout.flatCount)
    return MachineSettings(
        runName: settings.name, epoch: epoch, runFile: run.plan.resolved.text,
        configDigest: run.configDigest, dataDigest: run.dataset.digest,
        fingerprint: run.fingerprint, seed: settings.seed,
        steps: min(options.steps ?? settings.steps, settings.steps),
        slices: settings.batch.slices, shardCount: run.sampler.shards.count,
        groups: run.plan.answerGroups,
        rounds: run.plan.method.exchanges.map(\.name),
        heartbeat: settings.coordinator.heartbeat, leaseTerm: settings.coordinator.leaseTerm,
        hangTerm: settings.coordinator.hangTerm,
        disputeTerm: settings.coordinator.disputeTerm,
        helloTerm: settings.coordinator.helloTerm, checkpointEvery: settings.checkpoint.every,
        bodyBytesMax: UInt64(parameterBytes + bodyBytesBeside),
        versionBytes: UInt64(parameterBytes + versionBytesBeside),
        nodeCredits: settings.coordinator.nodeCredits,
        strangersMax: settings.coordinator.strangersMax,
        strangersPerAddressMax: settings.coordinator.strangersPerAddressMax,
        workersMax: settings.coordinator.workersMax, authority: options.authority)
}

/// What a message holds at most beside a whole set of parameters: fields, named sums, or the
/// embeddings of a slice (65,536 samples of 512 coordinates are 128 MiB).
private let bodyBytesBeside = 160 << 20

/// What the message of a version holds beside its parameters and buffers: names, shapes, padding.
let versionBytesBeside = 1 << 10

/// Checks that an address may be listened at: beyond this machine only under encryption, or by the
/// operator's word.
///
/// - Throws: `DaemonError.notLoopback`.
func requireListenable(_ url: String, insecure: Bool) throws(DaemonError) {
    guard insecure || isEncrypted(url: url) || isLoopback(url: url) else {
        throw .notLoopback(url: url)
    }
}

/// Whether what travels to an address is encrypted.
func isEncrypted(url: String) -> Bool { url.hasPrefix("tls+") }

/// Whether an address can be reached from this machine alone.
func isLoopback(url: String) -> Bool {
    guard let scheme = url.range(of: "://") else { return false }
    let place = url[scheme.upperBound...]
    switch url[..<scheme.lowerBound] {
    case "ipc", "inmemory": return true
    default:
        let host = place[..<(place.lastIndex(of: ":") ?? place.endIndex)]
        return host == "localhost" || host == "[::1]" || host.hasPrefix("127.")
    }
}
