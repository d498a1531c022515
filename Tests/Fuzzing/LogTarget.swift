import Storage

/// Append-only logs: looked through, opened after a crash, and appended to.
enum LogTarget: Target {
    static let name = "logs"

    /// What one look at a log gave.
    struct Content {
        var scan: LogScan
        var records: [JSONValue]
    }

    static func seeds() throws -> [[UInt8]] {
        let disk = SimulatedDisk()
        let log = try AppendOnlyLog(path: inputPath, fileSystem: disk)
        try log.append(["step": 0, "loss": 1.5, "by": ["a", "b"]])
        try log.append(["step": 1, "text": "\"\n\u{1f600}"])
        let sound = try disk.bytes(of: inputPath)
        let torn = Array(sound.dropLast(5))
        var damaged = sound
        damaged[3] ^= 1
        return [sound, torn, damaged, []]
    }

    static func read(_ input: [UInt8]) -> Content? {
        guard let disk = try? disk(holding: input) else { return nil }
        return try? look(disk)
    }

    private static func look(_ disk: SimulatedDisk) throws(StorageError) -> Content {
        var records: [JSONValue] = []
        let scan = try LogScan(path: inputPath, fileSystem: disk) {
            number, record throws(StorageError) in
            precondition(number == records.count, "records come in order")
            records.append(record)
        }
        return Content(scan: scan, records: records)
    }

    static func check(_ content: Content, of input: [UInt8]) throws(BrokenPromise) {
        let scan = content.scan
        try promise(scan.byteCount == input.count, "the log has \(scan.byteCount) bytes")
        try promise(
            scan.ends.count == content.records.count && scan.ends == scan.ends.sorted()
                && scan.soundByteCount <= input.count, "records end out of order")
        try promise(
            scan.ends.allSatisfy { input[$0 - 1] == UInt8(ascii: "\n") },
            "a record ends within a line")
        try promise(
            (scan.badLine == nil) == (scan.soundByteCount == input.count), "no line is bad")
        try checkOpening(content, input, .refuse)
        try checkOpening(content, input, .cut)
    }

    /// A log is opened at its sound part, or refused and left as it is; it can then be appended to.
    private static func checkOpening(
        _ content: Content, _ input: [UInt8], _ damage: AppendOnlyLog.MiddleDamage
    ) throws(BrokenPromise) {
        let disk = try promised("the disk") { try Fuzzing.disk(holding: input) }
        guard
            let log = try? AppendOnlyLog(
                path: inputPath, middleDamage: damage, fileSystem: disk)
        else {
            let left = try promised("reading what was refused") { try disk.bytes(of: inputPath) }
            return try promise(
                left == input && damage == .refuse && content.scan.lineAfterBad != nil,
                "a log was refused that a crash could have left, or changed")
        }
        try promise(log.count == content.records.count, "opening keeps \(log.count) records")
        let again = try promised("appending") {
            try log.append(["appended": true])
            return try look(disk)
        }
        try promise(
            again.scan.badLine == nil && again.records.dropLast() == content.records[...],
            "after appending other records are there")
    }

    static func bytesMax(_ input: [UInt8]) -> Int { bytesAlways + 128 * input.count }

    static func sealed(_ input: [UInt8]) -> [UInt8] { sealedLog(input) }
}
