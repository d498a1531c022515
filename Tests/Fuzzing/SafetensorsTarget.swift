import Buffers
import Storage
import Tensors

/// Files of arrays.
enum SafetensorsTarget: Target {
    static let name = "safetensors"

    static func seeds() throws -> [[UInt8]] {
        let entries = [
            SafetensorsEntry("patch_embed.proj.weight", .f32(Tensor([1, -2, 3], shape: [1, 3]))),
            SafetensorsEntry("u", .u8([1, 255, 3])), SafetensorsEntry("i", .i32([-5, 7])),
            SafetensorsEntry("l", .i64([.min, 7], dims: [2, 1])),
            SafetensorsEntry("d", .f64([0.1])),
            SafetensorsEntry("none", .f32(Tensor(zeros: [0, 4]))),
            SafetensorsEntry("scalar", .f32(Tensor(3))),
        ]
        let disk = SimulatedDisk()
        try SafetensorsFile.write(
            entries, metadata: [("format", "pt")], to: "/all", fileSystem: disk)
        try SafetensorsFile.write([], to: "/none", fileSystem: disk)
        let plain = Array(
            #"{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#.utf8)
        return [
            try disk.readFile("/all", upTo: .max), try disk.readFile("/none", upTo: .max),
            [UInt8(plain.count)] + Array(repeating: 0, count: 7) + plain
                + Array(repeating: 1, count: 8),
        ]
    }

    static func read(_ input: [UInt8]) -> SafetensorsFile? {
        guard let disk = try? disk(holding: input) else { return nil }
        return try? SafetensorsFile(contentsOf: inputPath, fileSystem: disk)
    }

    static func check(_ file: SafetensorsFile, of input: [UInt8]) throws(BrokenPromise) {
        var entries: [SafetensorsEntry] = []
        for name in file.names {
            let value = try promised("reading '\(name)'") { try array(file, name) }
            entries.append(SafetensorsEntry(name, value))
        }
        let data = entries.reduce(0) { $0 + $1.value.count * $1.value.type.elementBytes }
        let header = (0..<8).reduce(0) { $0 | Int(input[$1]) << (8 * $1) }
        try promise(8 + header + data == input.count, "the arrays have \(data) bytes")
        let again = try promised("writing it again") {
            let disk = SimulatedDisk()
            try SafetensorsFile.write(
                entries, metadata: file.metadata, to: inputPath, fileSystem: disk)
            return try SafetensorsFile(contentsOf: inputPath, fileSystem: disk)
        }
        try promise(again.hasChecksum, "what was written has no checksum")
        try promise(again.names.sorted() == file.names.sorted(), "names differ")
        for entry in entries {
            let value = try promised("reading again") { try array(again, entry.name) }
            try promise(
                value.dims == entry.value.dims && bits(value) == bits(entry.value),
                "'\(entry.name)' differs")
        }
    }

    static func bytesMax(_ input: [UInt8]) -> Int { bytesAlways + 128 * input.count }

    private static func array(
        _ file: SafetensorsFile, _ name: String
    ) throws(StorageError) -> SafetensorsValue {
        let dims = try file.dims(name)
        return switch try file.type(name) {
        case .f32: .f32(try file.tensor(name))
        case .f64: .f64(try file.doubles(name), dims: dims)
        case .i64: .i64(try file.integers(name), dims: dims)
        case .i32: .i32(try file.integers(name).map { Int32($0) }, dims: dims)
        case .u8: .u8(try file.integers(name).map { UInt8($0) }, dims: dims)
        }
    }

    private static func bits(_ value: SafetensorsValue) -> [UInt64] {
        switch value {
        case .f32(let tensor): tensor.values.map { UInt64($0.bitPattern) }
        case .source(let source): source.take().values.map { UInt64($0.bitPattern) }
        case .f64(let values, _): values.map(\.bitPattern)
        case .i64(let values, _): values.map { UInt64(bitPattern: $0) }
        case .i32(let values, _): values.map { UInt64(UInt32(bitPattern: $0)) }
        case .u8(let values, _): values.map { UInt64($0) }
        }
    }

    /// The header's length is made to end with its last brace, the data to be as long as the header
    /// says, and the file's own checksum, where it has one, to be right.
    static func sealed(_ input: [UInt8]) -> [UInt8] {
        guard let end = input.lastIndex(of: UInt8(ascii: "}")), end >= 8 else { return input }
        let padded = input[(end + 1)...].prefix { $0 == UInt8(ascii: " ") }.endIndex
        let header = input[8..<padded]
        var bytes = [UInt8](repeating: 0, count: 8) + header
        bytes.put(UInt32(header.count), at: 0)
        let data = dataBytes(String(decoding: header, as: UTF8.self)) ?? input.count - padded
        bytes += input[padded...].prefix(data)
        bytes += Array(repeating: 7, count: 8 + header.count + data - bytes.count)
        return withChecksum(bytes)
    }

    /// The bytes of data behind a header, if it says how many; no more than a few thousand.
    private static func dataBytes(_ header: String) -> Int? {
        let ends = (try? JSONValue(parsing: header))?.members?
            .compactMap { $0.value["data_offsets"]?.array?.last?.integer }
        guard let most = ends?.max(), (0...4096).contains(most) else { return nil }
        return Int(most)
    }

    private static func withChecksum(_ input: [UInt8]) -> [UInt8] {
        let prefix = Array(#"{"__metadata__":{"crc32c":""#.utf8)
        let digits = 8 + prefix.count
        guard input.count >= digits + 8, input[8..<digits].elementsEqual(prefix) else {
            return input
        }
        var bytes = input
        bytes.replaceSubrange(digits..<digits + 8, with: Array("00000000".utf8))
        bytes.replaceSubrange(digits..<digits + 8, with: hexDigits(CRC32C.checksum(bytes)))
        return bytes
    }
}
