// How a checkpoint is opened, and what is said of one that is not whole.
extension CheckpointStore {
    /// Opens the checkpoint of a step, and its base: manifests alone are looked at.
    func open(_ step: Int) throws(StorageError) -> Checkpoint {
        let manifest = try manifest(of: step)
        let base = try manifest.base.map { base throws(StorageError) in
            let path = manifestPath(base.step)
            let found = try self.manifest(of: base.step)
            guard found.content == base.content, found.base == nil else {
                throw .damaged(
                    path: path, reason: "is not the checkpoint that step \(step) is based on")
            }
            return Checkpoint(found, folder: folder(base.step), base: nil, fileSystem)
        }
        return Checkpoint(manifest, folder: folder(step), base: base, fileSystem)
    }

    func manifestPath(_ step: Int) -> String {
        "\(folder(step))/\(CheckpointManifest.fileName)"
    }

    func manifest(of step: Int) throws(StorageError) -> CheckpointManifest {
        let path = manifestPath(step)
        let manifest = try CheckpointManifest(contentsOf: path, fileSystem: fileSystem)
        guard manifest.step == step else {
            throw .damaged(path: path, reason: "is of step \(manifest.step)")
        }
        return manifest
    }

    struct Rejection: Error {
        var checkpoint: RejectedCheckpoint
    }

    /// Opens the checkpoint of a step and has it read; what is wrong with it becomes a rejection.
    func examine<Value>(
        _ step: Int, _ read: (Checkpoint) throws(StorageError) -> Value
    ) throws(StorageError) -> Result<Value, Rejection> {
        do {
            return .success(try read(open(step)))
        } catch {
            guard let fault = error.faultOfContent else { throw error }
            return .failure(
                Rejection(
                    checkpoint: RejectedCheckpoint(
                        step: step, file: fault.path, reason: fault.reason)))
        }
    }
}

extension StorageError {
    /// What a failed read says about a file; nil where it is about the whole system.
    fileprivate var faultOfContent: (path: String, reason: String)? {
        switch self {
        case .missing(let path): return (path, "is missing")
        case .malformed(let path, let reason), .damaged(let path, let reason):
            return (path, reason)
        case .system(let operation, let path, let code, let text):
            let codes = [
                SystemCode.inputOutput, SystemCode.notADirectory, SystemCode.isADirectory,
            ]
            return codes.contains(code) ? (path, "cannot \(operation): \(text)") : nil
        default: return nil
        }
    }
}
