import ArgumentParser
import Client
import Clustering
import CoordinatorDaemon
import Datasets
import Drill
import Foundation
import Inspection
import Keys
import Methods
import RunFiles
import Storage
import Sweeps
import Transport
import WorkerCore

/// A run that ended without being done.
struct RunFailed: Error, CustomStringConvertible {
    let description: String
}

/// What the user gave cannot be used.
struct BadInput: Error, CustomStringConvertible {
    let description: String
}

/// A worker that is kept out, since it computed wrong bits.
struct Quarantined: Error, CustomStringConvertible {
    let description: String
}

/// The exit code of an error of ours, or nil for the argument parser's own.
func processExitCode(of error: any Error) -> Int32? {
    switch error {
    case is Quarantined: WorkerOutcome.quarantinedCode
    case is BadInput, is RunFileError, is DatasetError, is ClusteringError,
        is ClusteringPlanError, is WeightFileError, is WeightExportError, is LiTError:
        2
    case let error as DaemonError: error.isBadInput ? 2 : 1
    case let error as DrillError: error.isBadInput ? 2 : 1
    case InspectionError.file(let error): processExitCode(of: error)
    case let error as InspectionError: error.isBadInput ? 2 : 1
    case let error as SweepError: error.isBadInput ? 2 : 1
    case KeysError.failed: 1
    case is KeysError, ClientError.untrusted: 2
    case StorageError.missing, StorageError.malformed, StorageError.locked: 2
    case TransportError.invalidURL, TransportError.unsupported,
        TransportError.unusableIdentity, TransportError.addressInUse,
        TransportError.notPermitted:
        2
    default: isParserError(error) ? nil : 1
    }
}

/// Whether the argument parser made this error: it is the only one that maps to usage (64) or to
/// a clean exit (0, for `--help`).
private func isParserError(_ error: any Error) -> Bool {
    let code = Pleiad.exitCode(for: error)
    return code == .validationFailure || code == .success
}

/// What happened, where, and what to do, as the error itself says it.
func describe(_ error: any Error) -> String { "\(error)" }

/// Prints a line to standard error.
func printError(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
}

/// Prints a line to standard output at once, also where that is a pipe.
func printNow(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}
