import Storage
import Tensors
import Testing

@Suite struct SealedFileTests {
    /// Flips a bit of every byte of `path` and expects that `read` finds each.
    private func expectEveryFlipFound(
        _ path: String, on disk: SimulatedDisk, _ read: () throws -> Void
    ) throws {
        try read()
        for place in 0..<(try disk.readFile(path, upTo: 1 << 20).count) {
            let mask = UInt8(1) << UInt8(place % 8)
            try disk.flip(path, at: place, mask: mask)
            #expect(throws: StorageError.self, "byte \(place)") { try read() }
            try disk.flip(path, at: place, mask: mask)
        }
        try read()
    }

    @Test func `text carries its checksum in a last line that YAML takes for a comment`() throws {
        let disk = SimulatedDisk()
        try disk.writeSealedText("/run.yaml", "a: 1\nb: [é]\n")
        let bytes = try disk.readFile("/run.yaml", upTo: 999)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 3 && lines[2].hasPrefix("# crc32c ") && lines[2].count == 17)
        try expectEveryFlipFound("/run.yaml", on: disk) {
            let text = try disk.readSealedText("/run.yaml", upTo: 999)
            #expect(text == "a: 1\nb: [é]\n")
        }
    }

    @Test func `text that was shortened or carries no checksum is refused`() throws {
        let disk = SimulatedDisk()
        for text in ["", "a: 1\n", "# crc32c 00000001\n"] {
            try disk.writeFileDurably("/f", Array(text.utf8))
            #expect(throws: StorageError.self) { try disk.readSealedText("/f", upTo: 99) }
        }
        try disk.writeSealedText("/f", "")
        #expect(try disk.readSealedText("/f", upTo: 99) == "")
        #expect(throws: StorageError.self) { try disk.readSealedText("/f", upTo: 9) }
    }

    @Test func `an object on a line carries its checksum`() throws {
        let disk = SimulatedDisk()
        try disk.writeSealedObject("/f", ["data": "x", "samples": 7])
        try expectEveryFlipFound("/f", on: disk) {
            let object = try disk.readSealedObject("/f")
            #expect(object == ["data": "x", "samples": 7])
        }
    }

    @Test func `a safetensors file of ours carries its checksum where readers see metadata`()
        throws
    {
        let disk = SimulatedDisk()
        try SafetensorsFile.write(
            [
                SafetensorsEntry("w", .f32(Tensor([1, 2, 3], shape: [3]))),
                SafetensorsEntry("i", .i64([4, 5])),
            ], metadata: [("source", "tests")], to: "/f", fileSystem: disk)
        for place in 0..<(try disk.readFile("/f", upTo: 9999).count) {
            try disk.flip("/f", at: place, mask: 0x10)
            // A changed name of the checksum makes it a file of somebody else's.
            let file = try? SafetensorsFile(contentsOf: "/f", fileSystem: disk)
            #expect(file?.hasChecksum != true, "byte \(place)")
            try disk.flip("/f", at: place, mask: 0x10)
        }
        let file = try SafetensorsFile(contentsOf: "/f", fileSystem: disk)
        #expect(file.hasChecksum && file.metadata.map(\.key) == ["source"])
        #expect(try file.integers("i") == [4, 5])
    }

    @Test func `the end of a start is noted, with the lengths of its logs`() throws {
        let disk = SimulatedDisk()
        _ = try EpochFile.advance("/epoch", fileSystem: disk)
        #expect(try EpochFile.read("/epoch", fileSystem: disk)?.ended == nil)
        let logs = [LogLength("ledger", 12), LogLength("metrics", 0)]
        try EpochFile.end("/epoch", logs: logs, fileSystem: disk)
        try expectEveryFlipFound("/epoch", on: disk) {
            let content = try EpochFile.read("/epoch", fileSystem: disk)
            #expect(content?.epoch == 1 && content?.ended == logs)
        }
        #expect(try EpochFile.advance("/epoch", fileSystem: disk) == 2)
        #expect(try EpochFile.read("/epoch", fileSystem: disk)?.ended == nil)
    }

    @Test func `doubts are counted over all starts, whether they end in order or not`() throws {
        let disk = SimulatedDisk()
        #expect(throws: StorageError.self) { try EpochFile.noteDoubt("/epoch", fileSystem: disk) }
        _ = try EpochFile.advance("/epoch", fileSystem: disk)
        #expect(try EpochFile.read("/epoch", fileSystem: disk)?.doubts == 0)
        #expect(try EpochFile.noteDoubt("/epoch", fileSystem: disk) == 1)
        _ = try EpochFile.advance("/epoch", fileSystem: disk)
        #expect(try EpochFile.noteDoubt("/epoch", fileSystem: disk) == 2)
        try EpochFile.end("/epoch", logs: [], fileSystem: disk)
        try expectEveryFlipFound("/epoch", on: disk) {
            let content = try EpochFile.read("/epoch", fileSystem: disk)
            #expect(content == EpochFile.Content(epoch: 2, doubts: 2, ended: []))
        }
        _ = try EpochFile.advance("/epoch", fileSystem: disk)
        #expect(try EpochFile.read("/epoch", fileSystem: disk)?.doubts == 2)
    }
}
