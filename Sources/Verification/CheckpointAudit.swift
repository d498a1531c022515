import Identity
import Methods
import Storage

/// Looks through the checkpoints of a state directory.
struct CheckpointAudit {
    /// A whole checkpoint.
    struct Found {
        var step: Int
        /// The name of the version that its model is; nil where the run is not known.
        var version: Digest?
    }

    private(set) var findings = Findings()
    /// Whole checkpoints, the oldest first.
    private(set) var found: [Found] = []
    /// What of each log was on disk, as the manifests say.
    private(set) var lengths: [LogLength] = []

    private let state: StateFiles
    private let plan: RunPlan?
    private let isWhole: Bool

    private static let folder = "checkpoints"
    /// The model's file in a checkpoint.
    private static let model = "model.safetensors"

    /// - Parameter isWhole: whether every file is read, or only manifests and models.
    init(_ state: StateFiles, plan: RunPlan?, isWhole: Bool) {
        (self.state, self.plan, self.isWhole) = (state, plan, isWhole)
    }

    /// Looks through all of them; what was found goes to `findings`.
    mutating func run(_ findings: Findings) throws(StorageError) {
        self.findings = findings
        guard state.exists(Self.folder) else { return }
        var steps: [Int] = []
        for name in try state.fileSystem.list(state.path(Self.folder)) {
            let path = "\(Self.folder)/\(name)"
            if name.hasPrefix("step-"), let step = Int(name.dropFirst(5)), name == "step-\(step)" {
                steps.append(step)
            } else if name.hasSuffix(".tmp") {
                self.findings.note(path, "is being written, or was when a process died")
            } else if name.hasPrefix("damaged-") {
                self.findings.note(
                    path, "was found damaged at a start; it goes once all others are newer")
            } else {
                self.findings.note(path, "is no part of a run; not checked")
            }
        }
        for step in steps.sorted() {
            let before = self
            look(at: step, "\(Self.folder)/step-\(step)")
            // A running coordinator removes old ones while they are read.
            if !state.exists("\(Self.folder)/step-\(step)") { self = before }
        }
    }

    private mutating func look(at step: Int, _ folder: String) {
        let before = findings.problems.count
        let manifestName = "\(folder)/\(CheckpointManifest.fileName)"
        let read = findings.check(manifestName, in: state) { state in
            let manifest = try CheckpointManifest(
                contentsOf: state.path(manifestName), fileSystem: state.fileSystem)
            guard manifest.step == step else {
                throw Finding(manifestName, "is of step \(manifest.step)")
            }
            return manifest
        }
        guard let manifest = read else { return }
        for file in manifest.files where isWhole || file.name == Self.model {
            let name = "\(folder)/\(file.name)"
            _ = findings.check(name, in: state) { state in
                try compare(state.fileSystem.sums(of: state.path(name)), file, name)
            }
        }
        let listed = manifest.files.map(\.name) + [CheckpointManifest.fileName]
        let there = (try? state.fileSystem.list(state.path(folder))) ?? []  // gone meanwhile
        for file in there where !listed.contains(file) {
            findings.add(Finding("\(folder)/\(file)", "is not in the manifest"))
        }
        if let base = manifest.base { check(base, of: manifestName) }
        lengths += manifest.logs
        guard findings.problems.count == before else { return }
        let version = version(in: "\(folder)/\(Self.model)")
        if findings.problems.count == before {
            found.append(Found(step: step, version: version))
        }
    }

    /// Whether the checkpoint is there that another one holds the changes of.
    private mutating func check(_ base: CheckpointBase, of manifestName: String) {
        let name = "\(Self.folder)/step-\(base.step)/\(CheckpointManifest.fileName)"
        guard state.exists(name) else {
            findings.add(
                Finding(manifestName, "holds the changes of step \(base.step), which is missing"))
            return
        }
        // One that cannot be read has a finding of its own.
        guard
            let found = try? CheckpointManifest(
                contentsOf: state.path(name), fileSystem: state.fileSystem),
            found.content != base.content || found.base != nil
        else { return }
        findings.add(
            Finding(
                manifestName,
                "holds the changes of step \(base.step), but of another one than is there"))
    }

    private mutating func version(in model: String) -> Digest? {
        guard let plan, state.exists(model) else { return nil }
        do throws(StorageError) {
            let file = try SafetensorsFile(
                contentsOf: state.path(model), fileSystem: state.fileSystem)
            return try nameOfVersion(file, plan)
        } catch {
            findings.add(Finding(model, error.reasonAlone))
            return nil
        }
    }
}

private func compare(
    _ there: CheckpointFile, _ listed: CheckpointFile, _ name: String
) throws(Finding) {
    guard there.byteCount == listed.byteCount else {
        throw Finding(name, "has \(there.byteCount) bytes, \(listed.byteCount) were written")
    }
    if let reason = listed.blocks.difference(from: there.blocks, byteCount: there.byteCount) {
        throw Finding(name, reason)
    }
    guard there.digest == listed.digest else {
        throw Finding(name, "does not match its digest")
    }
}
