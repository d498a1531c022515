import Foundation
import Storage
import Tensors
import Testing

/// Files on the real disk, since they are mapped.
@Suite final class MatrixFileTests {
    private let folder = NSTemporaryDirectory() + "/matrices-" + UUID().uuidString

    init() throws { try LocalFileSystem().createDirectory(folder) }

    deinit { try? FileManager.default.removeItem(atPath: folder) }  // only temporary

    private func read(_ file: MatrixFile, _ rows: Range<Int>) -> [Float] {
        var result = [Float](repeating: 0, count: rows.count * file.columnCount)
        var output = result.mutableSpan
        file.read(rows, into: &output)
        return result
    }

    private func npy(_ type: String, _ dims: String, _ data: [UInt8]) throws -> String {
        let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(dims)), }\n"
        let header = Array(text.utf8)
        let path = "\(folder)/\(type.dropFirst())-\(data.count).npy"
        let magic = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0]
        try LocalFileSystem().writeFileDurably(path, magic + header + data)
        return path
    }

    private func bytes(_ words: [some FixedWidthInteger]) -> [UInt8] {
        words.flatMap { word in
            stride(from: 0, to: word.bitWidth, by: 8).map {
                UInt8(truncatingIfNeeded: word >> $0)
            }
        }
    }

    @Test func `rows of a file are those that were written`() throws {
        let tensor = Tensor((0..<35).map { Float($0) / 3 }, shape: [7, 5])
        try NPYFile.write(tensor, to: folder + "/a.npy")
        try SafetensorsFile.write(
            [
                SafetensorsEntry("other", .f32(Tensor(zeros: [2, 2]))),
                SafetensorsEntry("features", .f32(tensor)),
            ], to: folder + "/b.safetensors")
        for path in ["a.npy", "b.safetensors"] {
            let file = try MatrixFile(mapping: "\(folder)/\(path)")
            #expect((file.rowCount, file.columnCount) == (7, 5))
            #expect(read(file, 0..<7) == tensor.values)
            #expect(read(file, 2..<3) == Array(tensor.values[10..<15]))
            #expect(file.digest(of: 1..<2) != file.digest(of: 2..<3))
        }
        let named = try MatrixFile(mapping: folder + "/b.safetensors", tensor: "other")
        #expect(read(named, 1..<2) == [0, 0])
    }

    @Test func `halves, floats and doubles are read, at any alignment`() throws {
        let values: [Float] = [1, -2.5, 0.000061035156, 65504, 0, -0.333251953125]
        let files = [
            try npy("<f2", "2, 3", bytes(values.map { Float16($0).bitPattern })),
            try npy("<f4", "2, 3", bytes(values.map(\.bitPattern))),
            try npy("<f8", "2, 3", bytes(values.map { Double($0).bitPattern })),
        ]
        for path in files {
            let file = try MatrixFile(mapping: path)
            #expect(read(file, 0..<2) == values, "\(path)")
            #expect(read(file, 1..<2) == Array(values[3...]))
        }
    }

    @Test func `what is no matrix of floats is refused by name`() throws {
        let wrong = [
            (try npy("<i8", "2, 3", [UInt8](repeating: 0, count: 48)), "'<i8'"),
            (try npy("<f4", "6,", [UInt8](repeating: 0, count: 24)), "[rows, columns]"),
            (try npy("<f4", "2, 3", [UInt8](repeating: 0, count: 20)), "20 bytes of data"),
        ]
        for (path, reason) in wrong {
            let error = #expect(throws: StorageError.self) { try MatrixFile(mapping: path) }
            #expect(error?.description.contains(reason) == true, "\(path): \(reason)")
        }
        #expect(throws: StorageError.missing(path: "/no/such.npy")) {
            try MatrixFile(mapping: "/no/such.npy")
        }
        try SafetensorsFile.write(
            [SafetensorsEntry("features", .i32([1, 2], dims: [1, 2]))],
            to: folder + "/i.safetensors")
        #expect(throws: StorageError.self) {
            try MatrixFile(mapping: folder + "/i.safetensors")
        }
    }

    @Test func `a mapped file is read through other file systems too`() throws {
        let disk = SimulatedDisk()
        try NPYFile.write(Tensor([1, 2, 3, 4], shape: [2, 2]), to: "/a.npy", fileSystem: disk)
        let file = try MatrixFile(mapping: "/a.npy", fileSystem: disk)
        #expect(read(file, 1..<2) == [3, 4])
    }
}
