import Storage

/// Small files that carry their own checksum: run file, numerics, epoch.
enum SealedTarget: Target {
    static let name = "sealed"

    /// What the bytes are as text, as an object, and as the file of the epoch.
    struct Content {
        var text: String?
        var object: JSONValue?
        var epoch: EpochFile.Content?
    }

    static func seeds() throws -> [[UInt8]] {
        let disk = SimulatedDisk()
        try disk.writeSealedText("/text", "method: mlcd\nsteps: 3\n")
        try disk.writeSealedText("/nothing", "")
        try disk.writeSealedObject("/object", ["samples": 50, "data": "x"])
        _ = try EpochFile.advance("/begun", fileSystem: disk)
        _ = try EpochFile.advance("/ended", atLeast: 7, fileSystem: disk)
        _ = try EpochFile.noteDoubt("/ended", fileSystem: disk)
        try EpochFile.end(
            "/ended", logs: [LogLength("ledger", 900), LogLength("events.jsonl", 0)],
            fileSystem: disk)
        return try disk.list("/").map { try disk.bytes(of: "/" + $0) }
    }

    static func read(_ input: [UInt8]) -> Content? {
        guard let disk = try? disk(holding: input) else { return nil }
        let content = Content(
            text: try? disk.readSealedText(inputPath, upTo: 1 << 20),
            object: try? disk.readSealedObject(inputPath, upTo: 1 << 20),
            epoch: try? EpochFile.read(inputPath, fileSystem: disk))
        return content.text == nil && content.object == nil ? nil : content
    }

    static func check(_ content: Content, of input: [UInt8]) throws(BrokenPromise) {
        if let text = content.text {
            let again = try promised("writing the text") {
                let disk = SimulatedDisk()
                try disk.writeSealedText(inputPath, text)
                return try disk.bytes(of: inputPath)
            }
            try promise(again == input, "the text is written otherwise")
        }
        guard let object = content.object, object.members?.isEmpty == false else { return }
        let again = try promised("writing the object") {
            let disk = SimulatedDisk()
            try disk.writeSealedObject(inputPath, object)
            return try disk.readSealedObject(inputPath, upTo: 1 << 20)
        }
        try promise(again == object, "the object is written as another one")
    }

    static func bytesMax(_ input: [UInt8]) -> Int { bytesAlways + 128 * input.count }

    static func sealed(_ input: [UInt8]) -> [UInt8] {
        let asText = sealedText(input)
        return asText == input ? sealedObject(input, .line) : asText
    }
}
