import Identity
import Storage
import Tensors
import Testing

@Suite struct StreamedSafetensorsTests {
    private let disk = SimulatedDisk()
    private let matrix = CounterRandom(seed: 1, stream: .test).normalTensor([37, 5])

    private func file() throws -> StreamedSafetensors {
        try SafetensorsFile.write(
            [
                SafetensorsEntry("m", .f32(matrix)),
                SafetensorsEntry("wide", .i64([.min, -1, 0, 7, .max])),
                SafetensorsEntry("narrow", .i32([1, -2, 3, -4, 5, -6], dims: [3, 2])),
                SafetensorsEntry("bytes", .u8([1, 2])),
            ], metadata: [("a", "b")], to: "/f.safetensors", fileSystem: disk)
        return try StreamedSafetensors("/f.safetensors", fileSystem: disk)
    }

    @Test(arguments: [0..<37, 0..<1, 36..<37, 5..<19, 9..<9])
    func `rows are those that were written`(range: Range<Int>) throws {
        #expect(try file().rows(range, of: "m").isBitIdentical(to: matrix.rows(range)))
    }

    @Test func `integers are those that were written`() throws {
        let file = try file()
        #expect(try file.integers(0..<5, of: "wide") == [.min, -1, 0, 7, .max])
        #expect(try file.integers(1..<3, of: "wide") == [-1, 0])
        #expect(try file.integers(1..<6, of: "narrow") == [-2, 3, -4, 5, -6])
        #expect(try file.dims("narrow") == [3, 2] && file.has("m") && !file.has("n"))
        #expect(try file.byteCount(of: "wide") == 40)
    }

    @Test func `a digest is that of the array's bytes`() throws {
        let bytes = matrix.values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
        }
        #expect(try file().digest(of: "m") == sha256(bytes))
    }

    @Test func `an array of another type, or none, is refused by name`() throws {
        let file = try file()
        for name in ["wide", "bytes", "none"] {
            #expect(throws: StorageError.self) { try file.rows(0..<1, of: name) }
        }
        for name in ["m", "bytes", "none"] {
            #expect(throws: StorageError.self) { try file.integers(0..<1, of: name) }
        }
    }

    @Test func `a file that is removed while it is open goes on to be read`() throws {
        let file = try file()
        let path = "/tmp/streamed-\(sha256("\(ContinuousClock.now)").shortHex).safetensors"
        let local = LocalFileSystem()
        try SafetensorsFile.write(
            [SafetensorsEntry("m", .f32(matrix))], metadata: [], to: path)
        let open = try StreamedSafetensors(path)
        try local.removeFile(path)
        #expect(try open.rows(3..<9, of: "m").isBitIdentical(to: file.rows(3..<9, of: "m")))
        #expect(throws: StorageError.missing(path: path)) { try StreamedSafetensors(path) }
    }

    @Test func `a file cut short is refused`() throws {
        _ = try file()
        let whole = try disk.readFile("/f.safetensors", upTo: 1 << 20)
        for count in [0, 7, 100, whole.count - 1] {
            try disk.writeFileDurably("/cut.safetensors", Array(whole.prefix(count)))
            #expect(throws: StorageError.self) {
                try StreamedSafetensors("/cut.safetensors", fileSystem: disk)
            }
        }
    }
}
