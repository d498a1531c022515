import Storage
import Tensors
import Testing

@Suite struct NPYFileTests {
    private func read(
        _ header: String, version: UInt8 = 1, data: [UInt8]
    ) throws -> Tensor {
        let count = header.utf8.count
        let length =
            version == 1
            ? [UInt8(count & 255), UInt8(count >> 8)]
            : [UInt8(count & 255), UInt8(count >> 8), 0, 0]
        let disk = SimulatedDisk()
        let bytes =
            [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8) + data
        try disk.writeFileDurably("/a.npy", bytes)
        return try NPYFile.read("/a.npy", fileSystem: disk)
    }

    private func reason(_ header: String, data: [UInt8]) -> String {
        do {
            _ = try read(header, data: data)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func `what is written is read, bit for bit`() throws {
        let disk = SimulatedDisk()
        for shape: Shape in [[2, 3], [6], [1, 6, 1]] {
            let tensor = Tensor(
                [1, -0.0, .nan, .infinity, .leastNonzeroMagnitude, 6], shape: shape)
            try NPYFile.write(tensor, to: "/a.npy", fileSystem: disk)
            let again = try NPYFile.read("/a.npy", fileSystem: disk)
            #expect(again.isBitIdentical(to: tensor))
            #expect(try disk.readFile("/a.npy", upTo: 999).count % 64 == 24)
        }
        #expect(throws: StorageError.self) {
            try NPYFile.readMatrix("/a.npy", fileSystem: disk)
        }
    }

    @Test(arguments: [UInt8(1), 2, 3])
    func `doubles are rounded to floats, in every version`(version: UInt8) throws {
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }\n"
        let data = [0.1, -2].flatMap { (value: Double) in
            (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt64(8 * $0)) }
        }
        let tensor = try read(header, version: version, data: data)
        #expect(tensor.values == [Float(0.1), -2])
        #expect(tensor.shape == [1, 2])
    }

    @Test(arguments: [
        ("{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}", "Fortran"),
        ("{'descr': '<f2', 'fortran_order': False, 'shape': (2,)}", "'<f2'"),
        ("{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", "'>f4'"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "bytes of data"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "shape"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999999999,)}", "shape"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967295, 4294967295)}", "shape"),
        ("{'descr': '<f4', 'fortran_order': False}", "lacks a key"),
        ("{'descr': '<f4', 'other': 1}", "unknown key"),
        ("{'descr': '<f4", "without end"), ("", "lacks"), ("{", "text"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "text"),
    ])
    func `what is not supported is refused by name`(header: String, expected: String) {
        #expect(reason(header, data: [0, 0, 0, 0]).contains(expected), "\(header)")
    }

    @Test func `no npy file, and one cut anywhere, are refused`() throws {
        let disk = SimulatedDisk()
        try NPYFile.write(Tensor(zeros: [2]), to: "/a.npy", fileSystem: disk)
        let bytes = try disk.readFile("/a.npy", upTo: 999)
        for cut in 0..<bytes.count {
            try disk.writeFileDurably("/b.npy", Array(bytes[..<cut]))
            #expect(throws: StorageError.self) { try NPYFile.read("/b.npy", fileSystem: disk) }
        }
    }
}
