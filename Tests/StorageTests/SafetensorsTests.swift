import Buffers
import Storage
import Tensors
import Testing

@Suite struct SafetensorsTests {
    /// A file of a header and data, as anybody could write it.
    private func file(
        _ header: String, data: [UInt8] = [], length: UInt64? = nil
    ) throws
        -> SafetensorsFile
    {
        let length = length ?? UInt64(header.utf8.count)
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(8 * $0)) }
        let disk = SimulatedDisk()
        try disk.writeFileDurably("/f", bytes + Array(header.utf8) + data)
        return try SafetensorsFile(contentsOf: "/f", fileSystem: disk)
    }

    private func reason(_ header: String, data: [UInt8] = [], length: UInt64? = nil) -> String {
        do {
            _ = try file(header, data: data, length: length)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func `what is written is read, of every type, and floats keep their bits`() throws {
        let odd: [Float] = [0, -0.0, .infinity, .nan, .leastNonzeroMagnitude, .pi]
        let disk = SimulatedDisk()
        try SafetensorsFile.write(
            [
                SafetensorsEntry("u", .u8([1, 255, 3])),
                SafetensorsEntry("w", .f32(Tensor(odd, shape: [2, 3]))),
                SafetensorsEntry("i", .i32([-5, Int32.max], dims: [1, 2])),
                SafetensorsEntry("l", .i64([Int64.min, 7])),
                SafetensorsEntry("d", .f64([0.1, -2])),
                SafetensorsEntry("none", .f32(Tensor(zeros: [0, 4]))),
                SafetensorsEntry("scalar", .f32(Tensor(3))),
            ], metadata: [("z", "1"), ("a \"quoted\"", "2\n")], to: "/f", fileSystem: disk)
        let file = try SafetensorsFile(contentsOf: "/f", fileSystem: disk)
        #expect(file.names == ["l", "d", "w", "i", "none", "scalar", "u"])
        #expect(try file.tensor("w").isBitIdentical(to: Tensor(odd, shape: [2, 3])))
        #expect(try file.integers("i") == [-5, Int64(Int32.max)])
        #expect(try file.dims("i") == [1, 2])
        #expect(try file.integers("l") == [Int64.min, 7])
        #expect(try file.integers("u") == [1, 255, 3])
        #expect(try file.doubles("d") == [0.1, -2])
        #expect(try file.shape("none") == [0, 4])
        #expect(try file.tensor("scalar").values == [3])
        #expect(file.metadata.map(\.key) == ["z", "a \"quoted\""])
        #expect(file.metadata.map(\.value) == ["1", "2\n"])
        #expect(throws: StorageError.self) { try file.tensor("i") }
        #expect(throws: StorageError.self) { try file.integers("w") }
        #expect(throws: StorageError.self) { try file.tensor("nothing") }
    }

    @Test func `the data of a written file begins at a multiple of 64 bytes`() throws {
        let disk = SimulatedDisk()
        for length in 0..<70 {
            let name = String(repeating: "n", count: length)
            try SafetensorsFile.write(
                [SafetensorsEntry(name, .f32(Tensor(1)))], to: "/f", fileSystem: disk)
            #expect(try disk.readFile("/f", upTo: 999).count % 64 == 4)
        }
    }

    @Test func `wide integers and floats at odd places are read`() throws {
        let header =
            #"{"u":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
            + #""i":{"dtype":"I64","shape":[1],"data_offsets":[1,9]},"#
            + #""f":{"dtype":"F32","shape":[1],"data_offsets":[9,13]}}"#
        for padding in 0..<8 {
            let text = header + String(repeating: " ", count: padding)
            let data: [UInt8] = [9, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f]
            let file = try file(text, data: data)
            #expect(try file.integers("i") == [513])
            #expect(try file.tensor("f").values == [1])
        }
    }

    @Test func `metadata may be absent or empty, and holds only text`() throws {
        #expect(try file("{}").metadata.isEmpty)
        #expect(try file(#"{"__metadata__":{}}"#).metadata.isEmpty)
        #expect(reason(#"{"__metadata__":{"a":1}}"#).contains("no text"))
        #expect(reason(#"{"__metadata__":[]}"#).contains("no object"))
    }

    @Test(arguments: ["BF16", "F16", "BOOL", "F8_E4M3", "nonsense"])
    func `other types are refused by name`(type: String) {
        let found = reason(
            #"{"a":{"dtype":"\#(type)","shape":[1],"data_offsets":[0,2]}}"#, data: [0, 0])
        #expect(found.contains("'a' is \(type), which is not supported"), "\(found)")
    }

    @Test(arguments: [
        ("[1]", "[0,8]"), ("[3]", "[0,8]"), ("[2]", "[8,0]"), ("[2]", "[-8,0]"), ("[2]", "[0]"),
        ("[2]", "[4,12]"), ("[2]", "[0,8,9]"), ("[-2]", "[0,8]"), ("[2.0]", "[0,8]"),
        ("[2]", "[0.0,8]"), ("2", "[0,8]"), ("[2]", "8"), ("[true]", "[0,8]"),
        ("[4294967296,4294967296]", "[0,8]"), ("[9223372036854775807]", "[0,8]"),
        ("[2,9223372036854775807]", "[0,9223372036854775807]"), ("[1,1,1,1,1,1,1,1,2]", "[0,8]"),
        ("[2]", "[0,18446744073709551615]"), ("[3]", "[0,12]"), ("[1]", "[0,4]"), ("[0]", "[0,0]"),
    ])
    func `a shape and a range that do not fit type, file or each other are refused`(
        shape: String, offsets: String
    ) {
        let header = #"{"a":{"dtype":"F32","shape":\#(shape),"data_offsets":\#(offsets)}}"#
        #expect(!reason(header, data: Array(repeating: 0, count: 8)).isEmpty)
    }

    @Test func `overlaps and gaps are refused, sizes of zero are fine`() throws {
        func two(_ a: String, _ b: String) -> String {
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":\#(a)},"#
                + #""b":{"dtype":"U8","shape":[4],"data_offsets":\#(b)}}"#
        }
        let data = [UInt8](repeating: 1, count: 8)
        #expect(reason(two("[0,4]", "[4,8]"), data: data).isEmpty)
        #expect(reason(two("[4,8]", "[0,4]"), data: data).isEmpty)
        #expect(reason(two("[0,4]", "[2,6]"), data: data).contains("overlaps"))
        #expect(reason(two("[0,4]", "[0,4]"), data: data).contains("overlaps"))
        #expect(reason(two("[0,4]", "[4,8]"), data: data + [0]).contains("belong to no tensor"))
        let empty = #"{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#
        #expect(reason(empty).isEmpty)
    }

    @Test(arguments: [
        "", "[]", "5", "{", "{}}", #"{"a":1}"#, #"{"a":{}}"#, #"{"a":{"dtype":"F32"}}"#,
        #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"more":1}}"#,
        #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"#
            + #""a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
        String(repeating: "[", count: 100_000), #"{"\ud800":1}"#,
    ])
    func `a header that is none is refused`(header: String) {
        #expect(!reason(header).isEmpty)
    }

    @Test(arguments: [0, 1, 3, 100, 1 << 40, UInt64(Int64.max), UInt64.max])
    func `a header length beyond the file is refused`(length: UInt64) {
        #expect(!reason("{}", length: length).isEmpty)
    }

    @Test func `every cut and every changed byte of a header ends in an answer`() throws {
        let disk = SimulatedDisk()
        try SafetensorsFile.write(
            [
                SafetensorsEntry("a", .f32(Tensor(zeros: [2, 2]))),
                SafetensorsEntry("b", .i64([1])),
            ],
            metadata: [("k", "v")], to: "/f", fileSystem: disk)
        let bytes = try disk.readFile("/f", upTo: 9999)
        for cut in 0..<bytes.count {
            try disk.writeFileDurably("/g", Array(bytes[..<cut]))
            #expect(throws: StorageError.self) {
                try SafetensorsFile(contentsOf: "/g", fileSystem: disk)
            }
        }
        for index in 0..<bytes.count - 24 {
            for mask: UInt8 in [1, 2, 4, 0x10, 0x80] {
                var changed = bytes
                changed[index] ^= mask
                try disk.writeFileDurably("/g", changed)
                guard let file = try? SafetensorsFile(contentsOf: "/g", fileSystem: disk) else {
                    continue  // refused: the usual answer
                }
                for name in file.names {
                    _ = try? file.tensor(name)  // the type may be another now
                    _ = try? file.integers(name)
                }
            }
        }
    }
}
