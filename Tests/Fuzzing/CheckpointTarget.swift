import Buffers
import Identity
import Storage
import Tensors

/// Manifests of checkpoints, beside the files of a sound one.
enum CheckpointTarget: Target {
    static let name = "checkpoints"

    private static let directory = "/checkpoints"
    private static let manifest = "/checkpoints/step-7/manifest.json"

    /// A disk with one sound checkpoint.
    private static let sound = Result {
        let disk = SimulatedDisk()
        let store = try CheckpointStore(directory: directory, fileSystem: disk)
        try store.write(
            step: 7,
            files: [
                ("model.safetensors", .safetensors([SafetensorsEntry("w", .f32(Tensor(3)))])),
                ("note", .bytes([1, 2, 3])),
            ], digests: [NamedDigest("parameters", sha256("p"))],
            logs: [LogLength("ledger", 12)], createdBy: "fuzzing")
        return disk
    }

    static func seeds() throws -> [[UInt8]] { [try sound.get().bytes(of: manifest)] }

    static func read(_ input: [UInt8]) -> Checkpoint? {
        guard let disk = try? sound.get().restart(.everything),
            (try? disk.put(input, at: manifest)) != nil,
            let store = try? CheckpointStore(
                directory: directory, makesDirectory: false, fileSystem: disk)
        else { return nil }
        _ = try? store.logLengths()
        return try? store.newest().checkpoint
    }

    static func check(_ checkpoint: Checkpoint, of input: [UInt8]) throws(BrokenPromise) {
        let files = checkpoint.manifest.files
        try promise(checkpoint.step == 7, "a checkpoint of step \(checkpoint.step) was taken")
        try promise(Set(files.map(\.name)).count == files.count, "a file is listed twice")
        for file in files {
            try promise(
                ["model.safetensors", "note"].contains(file.name), "there is no '\(file.name)'")
            let bytes = try promised("reading") { try checkpoint.read(file.name) }
            try promise(bytes.byteCount == file.byteCount, "'\(file.name)' has another size")
        }
        if checkpoint.has("model.safetensors") {
            let model = try promised("reading") { try checkpoint.safetensors("model.safetensors") }
            try promise(model.names == ["w"], "the model has other arrays")
        }
    }

    static func bytesMax(_ input: [UInt8]) -> Int {
        // Files are looked at through a piece of a megabyte.
        bytesAlways + (2 << 20) + 128 * input.count
    }

    static func sealed(_ input: [UInt8]) -> [UInt8] { sealedObject(input, .indented) }
}
