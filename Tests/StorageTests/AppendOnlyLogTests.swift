import Storage
import Testing

private func record(_ number: Int) -> JSONValue {
    ["step": .integer(Int64(number)), "text": .string(String(repeating: "é", count: number))]
}

private func records(_ path: String, _ disk: SimulatedDisk) throws -> [JSONValue] {
    var records: [JSONValue] = []
    _ = try AppendOnlyLog(path: path, fileSystem: disk) { number, record in
        #expect(number == records.count)
        records.append(record)
    }
    return records
}

@Suite struct AppendOnlyLogTests {
    private func disk(_ count: Int) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let log = try AppendOnlyLog(path: "/ledger", fileSystem: disk)
        for number in 0..<count { try log.append(record(number)) }
        return disk
    }

    private func overwrite(_ bytes: some Collection<UInt8>) throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        try disk.writeFileDurably("/ledger", Array(bytes))
        return disk
    }

    @Test func `records come back in order, as lines of JSON with the checksum last`() throws {
        let disk = try disk(3)
        #expect(try records("/ledger", disk) == (0..<3).map(record))
        let text = String(decoding: try disk.readFile("/ledger", upTo: 9999), as: UTF8.self)
        #expect(text.hasPrefix(#"{"step":0,"text":"","crc":""#))
        #expect(text.hasSuffix("\"}\n"))
        #expect(text.split(separator: "\n").count == 3)
    }

    @Test func `a tail torn at any byte is cut and the log goes on`() throws {
        let whole = try disk(4).readFile("/ledger", upTo: 9999)
        let lineEnds = whole.indices.filter { whole[$0] == 10 }.map { $0 + 1 }
        for cut in 0...whole.count {
            let disk = try overwrite(whole[..<cut])
            let log = try AppendOnlyLog(path: "/ledger", fileSystem: disk)
            let expected = lineEnds.filter { $0 <= cut }.count
            #expect(log.count == expected)
            #expect(log.cutByteCount == cut - (expected == 0 ? 0 : lineEnds[expected - 1]))
            try log.append(record(9))
            #expect(try records("/ledger", disk) == (0..<expected).map(record) + [record(9)])
        }
    }

    @Test func `a changed byte in the middle is refused by line, at the end it is cut`() throws {
        let whole = try disk(4).readFile("/ledger", upTo: 9999)
        for index in whole.indices {
            var bytes = whole
            bytes[index] ^= 1 << UInt8(index % 8)
            let line = whole[..<index].count { $0 == 10 } + 1
            let disk = try overwrite(bytes)
            let error = storageError { () throws(StorageError) in
                let log = try AppendOnlyLog(path: "/ledger", fileSystem: disk)
                // A last line, or one that ran into the last because its end was hit.
                #expect(line >= 3 && log.count == line - 1)
            }
            guard let error else { continue }
            #expect(line <= 3 && error.description.contains("is damaged: line \(line) "))
        }
    }

    @Test func `a log of what can be lost is cut at its first damage`() throws {
        let disk = try disk(4)
        try disk.flip("/ledger", at: 3, mask: 1)
        let log = try AppendOnlyLog(path: "/ledger", middleDamage: .cut, fileSystem: disk)
        #expect(log.count == 0)
    }

    @Test(arguments: [512, 4096], 0..<20 as Range<UInt64>)
    func `what was appended durably survives every power cut`(
        blockBytes: Int, seed: UInt64
    ) throws {
        for cut in 0..<16 {
            let disk = SimulatedDisk()
            disk.cutPower(at: cut)
            var done = 0
            do {
                let log = try AppendOnlyLog(path: "/ledger", fileSystem: disk)
                for number in 0..<6 {
                    try log.append(record(number * 200))
                    done += 1
                }
            } catch { /* the power cut that is tried */  }
            let after = disk.restart(.drawn(seed: seed, blockBytes: blockBytes))
            let found = try records("/ledger", after)
            #expect(found.count == done || found.count == done + 1)
            #expect(found == (0..<found.count).map { record($0 * 200) })
        }
    }

    @Test func `truncation forgets records for good`() throws {
        let disk = try disk(5)
        let log = try AppendOnlyLog(path: "/ledger", fileSystem: disk)
        try log.truncate(after: 2)
        try log.append(record(7))
        #expect(log.count == 3)
        let after = disk.restart(.nothing)
        #expect(try records("/ledger", after) == [record(0), record(1), record(7)])
    }

    @Test func `a full disk leaves the log as it was`() throws {
        let disk = try disk(3)
        let log = try AppendOnlyLog(path: "/ledger", fileSystem: disk)
        let used = Int.max - (try disk.freeByteCount("/"))
        disk.setCapacity(used + 10)
        let error = storageError { () throws(StorageError) in try log.append(record(3)) }
        #expect(error?.isDiskFull("/ledger") == true)
        disk.setCapacity(.max)
        try log.append(record(3))
        #expect(try records("/ledger", disk) == (0..<4).map(record))
    }

    @Test func `after a failed synchronisation nothing is written any more`() throws {
        let disk = try disk(1)
        let log = try AppendOnlyLog(path: "/ledger", fileSystem: disk)
        disk.failOperation(disk.operationCount + 1)
        #expect(throws: StorageError.self) { try log.append(record(1)) }
        let error = storageError { () throws(StorageError) in try log.append(record(1)) }
        #expect(error?.description.contains("not written any more") == true)
    }

    @Test func `records that wait for a later synchronisation are durable after it`() throws {
        let disk = SimulatedDisk()
        let log = try AppendOnlyLog(path: "/metrics", fileSystem: disk)
        try log.append([record(0), record(1)], durably: false)
        #expect(try records("/metrics", disk.restart(.nothing)).isEmpty)
        try log.synchronize()
        #expect(try records("/metrics", disk.restart(.nothing)).count == 2)
    }

    @Test func `a log can be read while it is written, without changing it`() throws {
        let whole = try disk(3).readFile("/ledger", upTo: 9999)
        let disk = try overwrite(whole.dropLast(4))
        var steps: [Int64] = []
        let count = try AppendOnlyLog.read("/ledger", fileSystem: disk) { _, record in
            steps.append(record["step"]?.integer ?? -1)
        }
        #expect(count == 2 && steps == [0, 1])
        #expect(try disk.readFile("/ledger", upTo: 9999).count == whole.count - 4)
    }

    @Test func `a log of many chunks is read whole`() throws {
        try withTemporaryDirectory { directory in
            let log = try AppendOnlyLog(path: directory + "/log")
            let long: JSONValue = ["t": .string(String(repeating: "x", count: 700_000))]
            for _ in 0..<5 { try log.append(long, durably: false) }
            var found = 0
            let again = try AppendOnlyLog(path: directory + "/log") { _, record in
                if record == long { found += 1 }
            }
            #expect(found == 5 && again.count == 5)
        }
    }
}
