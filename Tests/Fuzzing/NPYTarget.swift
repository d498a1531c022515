import Storage
import Tensors

/// NumPy's files of one array.
enum NPYTarget: Target {
    static let name = "npy"

    static func seeds() throws -> [[UInt8]] {
        var seeds: [[UInt8]] = []
        for tensor in [
            Tensor([1, .nan, -0.0, 4], shape: [2, 2]), Tensor(5), Tensor(zeros: [0, 3]),
        ] {
            let disk = SimulatedDisk()
            try NPYFile.write(tensor, to: inputPath, fileSystem: disk)
            seeds.append(try disk.bytes(of: inputPath))
        }
        let header = Array("{\"shape\": (1,), 'fortran_order': False, 'descr': '<f8'}\n".utf8)
        for version: UInt8 in [1, 3] {
            let length: [UInt8] = [UInt8(header.count), 0] + (version == 1 ? [] : [0, 0])
            seeds.append(
                [0x93] + Array("NUMPY".utf8) + [version, 0] + length + header
                    + [0, 0, 0, 0, 0, 0, 0xf8, 0x3f])
        }
        return seeds
    }

    static func read(_ input: [UInt8]) -> Tensor? {
        guard let disk = try? disk(holding: input) else { return nil }
        return try? NPYFile.read(inputPath, fileSystem: disk)
    }

    static func check(_ tensor: Tensor, of input: [UInt8]) throws(BrokenPromise) {
        let again = try promised("writing it again") {
            let disk = SimulatedDisk()
            try NPYFile.write(tensor, to: inputPath, fileSystem: disk)
            return try NPYFile.read(inputPath, fileSystem: disk)
        }
        try promise(
            again.shape == tensor.shape && again.isBitIdentical(to: tensor),
            "what was written is another tensor")
    }

    static func bytesMax(_ input: [UInt8]) -> Int { bytesAlways + 16 * input.count }
}
