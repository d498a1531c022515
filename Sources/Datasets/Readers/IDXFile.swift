public import Identity

import Foundation

/// The content of an IDX file of unsigned bytes, plain or gzip-compressed.
///
/// The format (Y. LeCun's MNIST page): bytes 0, 0, the type (8 = unsigned byte), the rank, then the
/// sizes as big-endian 32-bit numbers, then the elements, last dimension fastest.
public struct IDXFile: Sendable {
    /// The sizes, outermost first.
    public let dims: [Int]
    /// All elements.
    public let elements: [UInt8]
    /// SHA-256 over the decoded content, header included, so that compression does not matter.
    public let digest: Digest
    /// Bytes of the decoded content.
    public let byteCount: Int

    /// No decoded file of this kind may be larger: 4 GiB, some 80 times Fashion-MNIST.
    static let limitBytes = 1 << 32
    /// A rank above this is taken for damage (the images of a set have rank 3 or 4).
    static let rankMax = 8

    /// Reads and checks a file.
    ///
    /// - Parameters:
    ///   - path: the file; gzip is recognised by its first two bytes.
    ///   - remedy: what a user can do if the file is not there.
    /// - Throws: `DatasetError`, naming the file.
    public init(path: String, remedy: String) throws(DatasetError) {
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw .missing(file: path, remedy: remedy)
        }
        try self.init(contents: [UInt8](contents), file: path)
    }

    /// Decodes and checks the bytes of a file; `file` is its name in errors.
    public init(contents: [UInt8], file: String) throws(DatasetError) {
        let decoded = try IDXFile.decompressed(contents, file: file)
        guard decoded.count >= 4 else {
            throw .truncated(file: file, detail: "\(decoded.count) bytes hold no header")
        }
        guard decoded[0] == 0, decoded[1] == 0, decoded[2] == 8 else {
            let magic = decoded[..<4].map { String($0, radix: 16) }.joined(separator: " ")
            throw .notIDX(file: file, detail: "its first bytes are \(magic), not 0 0 8 RANK")
        }
        let rank = Int(decoded[3])
        guard (1...IDXFile.rankMax).contains(rank) else {
            throw .notIDX(file: file, detail: "its rank is \(rank)")
        }
        let headerBytes = 4 + 4 * rank
        guard decoded.count >= headerBytes else {
            throw .truncated(file: file, detail: "its header is cut short")
        }
        var dims: [Int] = []
        var expected = 1
        for axis in 0..<rank {
            let at = 4 + 4 * axis
            let size = decoded[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            dims.append(size)
            let (product, overflow) = expected.multipliedReportingOverflow(by: size)
            guard !overflow, product <= IDXFile.limitBytes else {
                throw .tooLarge(file: file, limitBytes: IDXFile.limitBytes)
            }
            expected = product
        }
        let found = decoded.count - headerBytes
        guard found >= expected else {
            throw .truncated(
                file: file, detail: "it holds \(found) of the \(expected) bytes its header says")
        }
        guard found == expected else {
            throw .trailingBytes(file: file, count: found - expected)
        }
        self.dims = dims
        self.elements = Array(decoded[headerBytes...])
        self.digest = sha256(decoded)
        self.byteCount = decoded.count
    }

    private static func decompressed(
        _ contents: [UInt8], file: String
    ) throws(DatasetError) -> [UInt8] {
        guard contents.count >= 2, contents[0] == 0x1f, contents[1] == 0x8b else {
            return contents
        }
        do {
            return try gunzip(contents, limitBytes: limitBytes)
        } catch {
            switch error {
            case .truncated(let bytes):
                throw .truncated(
                    file: file, detail: "its compressed data ends after \(bytes) decoded bytes")
            case .trailing(let count): throw .trailingBytes(file: file, count: count)
            case .corrupt(let detail): throw .corrupt(file: file, detail: detail)
            case .tooLarge: throw .tooLarge(file: file, limitBytes: limitBytes)
            }
        }
    }
}
