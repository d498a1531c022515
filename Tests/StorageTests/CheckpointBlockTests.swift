import Buffers
import Foundation
import Identity
import Storage
import Tensors
import Testing

/// Files of several blocks: each block has its checksum, and reading compares it.
@Suite struct CheckpointBlockTests {
    private static let block = BlockChecksums.blockBytes

    /// Arrays that begin and end anywhere in blocks; one of them is empty.
    private static let entries: [SafetensorsEntry] = {
        func floats(_ count: Int) -> SafetensorsValue {
            .f32(CounterRandom(seed: UInt64(count), stream: .test).normalTensor([count]))
        }
        return [
            SafetensorsEntry("a", floats(300_007)), SafetensorsEntry("none", floats(0)),
            SafetensorsEntry("b", floats(11)), SafetensorsEntry("c", floats(600_001)),
            SafetensorsEntry("n", .i64((0..<1000).map { Int64($0) * -7 })),
            SafetensorsEntry("m", .i32([1, -2, 3])), SafetensorsEntry("u", .u8([255, 0])),
        ]
    }()

    private func write(_ store: CheckpointStore, step: Int) throws {
        try store.write(
            step: step, files: [("t.safetensors", .safetensors(Self.entries))], digests: [],
            createdBy: "tests")
    }

    private func store(_ disk: SimulatedDisk) throws -> CheckpointStore {
        try CheckpointStore(directory: "/c", fileSystem: disk)
    }

    @Test func `arrays that are read in one pass are those that were written`() throws {
        try withTemporaryDirectory { folder in
            let disks: [(any FileSystem, String)] = [
                (SimulatedDisk(), "/c"), (LocalFileSystem(), folder + "/c"),
            ]
            for (disk, directory) in disks {
                let store = try CheckpointStore(directory: directory, fileSystem: disk)
                try write(store, step: 1)
                let checkpoint = try #require(try store.newest().checkpoint)
                let arrays = try checkpoint.arrays("t.safetensors")
                let file = try checkpoint.safetensors("t.safetensors")
                #expect(arrays.map(\.name) == file.names && arrays.count == Self.entries.count)
                for array in arrays {
                    switch array.value {
                    case .f32(let tensor):
                        #expect(tensor.isBitIdentical(to: try file.tensor(array.name)))
                        #expect(tensor.byteOffset == 0, "it has memory of its own")
                    case .i64(let values, _): #expect(try values == file.integers(array.name))
                    default: Issue.record("\(array.name) has another type")
                    }
                }
                #expect(throws: StorageError.self) { try checkpoint.arrays("other") }
            }
        }
    }

    @Test func `a changed byte is found in its block, whoever reads`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        try write(store, step: 1)
        try write(store, step: 2)
        let path = "/c/step-2/t.safetensors"
        let byteCount = try disk.open(path, .read).byteCount()
        #expect(byteCount > 3 * Self.block)
        let borders = (1...3).flatMap { [$0 * Self.block - 1, $0 * Self.block] }
        for place in [0, 300, 5000] + borders + [byteCount - 1] {
            try disk.flip(path, at: place, mask: 0x10)
            defer { try? disk.flip(path, at: place, mask: 0x10) }  // a failure shows in the next
            let first = place / Self.block * Self.block
            let last = min(byteCount, first + Self.block) - 1
            let reason = "does not match its checksum in bytes \(first) to \(last) of \(byteCount)"
            let (checkpoint, rejected) = try store.newest()
            #expect(checkpoint?.step == 1)
            #expect(rejected == [RejectedCheckpoint(step: 2, file: path, reason: reason)])
            let (read, passedOver) = try store.newest { checkpoint throws(StorageError) in
                _ = try checkpoint.arrays("t.safetensors")
                return checkpoint.step
            }
            #expect(read == 1 && passedOver.map(\.file) == [path])
            // A header that makes no sense any more says so; everything else says where.
            if place >= 5000 { #expect(passedOver.map(\.reason) == [reason]) }
        }
        #expect(try store.newest().checkpoint?.step == 2)
    }

    @Test func `a file that is cut short, or longer, is passed over`() throws {
        let disk = SimulatedDisk()
        let store = try store(disk)
        try write(store, step: 1)
        try write(store, step: 2)
        let file = try disk.open("/c/step-2/t.safetensors", .append)
        let byteCount = try file.byteCount()
        try file.write([0])
        #expect(
            try store.newest().rejected.map(\.reason)
                == ["has \(byteCount + 1) bytes, \(byteCount) were written"])
        try file.truncate(to: byteCount - 1)
        #expect(try store.newest().checkpoint?.step == 1)
        try disk.removeFile("/c/step-2/t.safetensors")
        #expect(try store.newest().rejected.map(\.reason) == ["is missing"])
    }

    @Test func `a manifest whose blocks are not those of its files is refused`() throws {
        let disk = SimulatedDisk()
        try write(try store(disk), step: 1)
        let path = "/c/step-1/manifest.json"
        let manifest = try CheckpointManifest(contentsOf: path, fileSystem: disk)
        let sums = try disk.sums(of: "/c/step-1/t.safetensors")
        #expect(manifest.files == [sums])
        let text = String(decoding: try disk.readFile(path, upTo: 1 << 20), as: UTF8.self)
        let start = try #require(text.range(of: "\"crc32c\": \"")).upperBound
        let digits = text[start...].prefix { $0 != "\"" }
        #expect(digits.count == 8 * 4)
        for forged in ["", "\(digits.dropLast(8))", "\(digits)00000000", "\(digits.dropLast())g"] {
            let body = text.replacing(digits, with: forged)
            #expect(body != text)
            try disk.writeFileDurably(path, resealed(body))
            #expect(throws: StorageError.self) { try store(disk).newest() }
        }
        try disk.writeFileDurably(path, resealed(text))
        #expect(try store(disk).newest().checkpoint?.step == 1)
    }

    /// Gives a manifest the checksum that it should have.
    private func resealed(_ text: String) -> [UInt8] {
        let before = ",\n  \"crc\": \""
        guard let end = text.range(of: before, options: .backwards)?.lowerBound else { return [] }
        let body = Array(text[..<end].utf8)
        let sum = String(CRC32C.checksum(body), radix: 16)
        let digits = String(repeating: "0", count: 8 - sum.count) + sum
        return body + Array("\(before)\(digits)\"\n}\n".utf8)
    }
}
