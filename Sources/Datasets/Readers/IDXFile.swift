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
    ///
    /// Of a compressed file no more is decoded than its header says, so that a small file cannot
    /// take the memory of a large one.
    public init(contents: [UInt8], file: String) throws(DatasetError) {
        let isCompressed = contents.starts(with: [0x1f, 0x8b])
        let head = isCompressed ? try IDXFile.head(contents, file: file) : contents
        let (dims, headerBytes) = try IDXFile.header(head, file: file)
        let expected = dims.reduce(1, *)
        let decoded =
            isCompressed
            ? try IDXFile.decompressed(contents, headerBytes + expected, file: file) : contents
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

    /// The sizes that a file's first bytes state, and how many bytes that takes.
    private static func header(
        _ bytes: [UInt8], file: String
    ) throws(DatasetError) -> (dims: [Int], byteCount: Int) {
        guard bytes.count >= 4 else {
            throw .truncated(file: file, detail: "\(bytes.count) bytes hold no header")
        }
        guard bytes[0] == 0, bytes[1] == 0, bytes[2] == 8 else {
            let magic = bytes[..<4].map { String($0, radix: 16) }.joined(separator: " ")
            throw .notIDX(file: file, detail: "its first bytes are \(magic), not 0 0 8 RANK")
        }
        let rank = Int(bytes[3])
        guard (1...IDXFile.rankMax).contains(rank) else {
            throw .notIDX(file: file, detail: "its rank is \(rank)")
        }
        let byteCount = 4 + 4 * rank
        guard bytes.count >= byteCount else {
            throw .truncated(file: file, detail: "its header is cut short")
        }
        var dims: [Int] = []
        var elements = 1
        for axis in 0..<rank {
            let at = 4 + 4 * axis
            let size = bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) }
            dims.append(size)
            let (product, overflow) = elements.multipliedReportingOverflow(by: size)
            guard !overflow, product <= IDXFile.limitBytes else {
                throw .tooLarge(file: file, limitBytes: IDXFile.limitBytes)
            }
            elements = product
        }
        return (dims, byteCount)
    }

    /// The first bytes of a compressed file's content, as many as the longest header has.
    private static func head(
        _ contents: [UInt8], file: String
    ) throws(DatasetError) -> [UInt8] {
        do throws(InflateFailure) {
            return try gunzip(contents, first: 4 + 4 * rankMax)
        } catch {
            throw DatasetError(error, file: file)
        }
    }

    /// A compressed file's content, which has `byteCount` bytes at most.
    private static func decompressed(
        _ contents: [UInt8], _ byteCount: Int, file: String
    ) throws(DatasetError) -> [UInt8] {
        do throws(InflateFailure) {
            return try gunzip(contents, limitBytes: byteCount)
        } catch {
            throw DatasetError(error, file: file)
        }
    }
}

extension DatasetError {
    /// What a failure to decode means for a user of the file.
    fileprivate init(_ failure: InflateFailure, file: String) {
        self =
            switch failure {
            case .truncated(let bytes):
                .truncated(
                    file: file, detail: "its compressed data ends after \(bytes) decoded bytes")
            case .trailing(let count): .trailingBytes(file: file, count: count)
            case .corrupt(let detail): .corrupt(file: file, detail: detail)
            case .tooLarge(let decoded):
                .corrupt(
                    file: file,
                    detail: "it goes on after the \(decoded.count) bytes that its header says")
            }
    }
}
