import Foundation
import Identity

extension [UInt8] {
    /// Four bytes at `offset`, the lowest first.
    func littleEndian(at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(self[offset + $1]) << UInt32(8 * $1) }
    }

    /// Puts four bytes at `offset`, the lowest first.
    mutating func put(_ value: UInt32, at offset: Int) {
        for index in 0..<4 {
            self[offset + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index))
        }
    }

    /// Where `needle` stands last.
    func lastPlace(of needle: [UInt8]) -> Int? {
        guard !needle.isEmpty, needle.count <= count else { return nil }
        return stride(from: count - needle.count, through: 0, by: -1).first { place in
            self[place..<place + needle.count].elementsEqual(needle)
        }
    }
}

/// The eight hexadecimal digits of a checksum, as sealed files have them.
func hexDigits(_ sum: UInt32) -> [UInt8] {
    let digits = Array("0123456789abcdef".utf8)
    return stride(from: 28, through: 0, by: -4).map { digits[Int(sum >> UInt32($0) & 15)] }
}

/// The repository's root, from which golden frames and run files are read.
let repositoryRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// The names of files in a folder of the repository, sorted.
func filesOfRepository(_ folder: String) throws -> [URL] {
    let place = repositoryRoot.appending(path: folder, directoryHint: .isDirectory)
    return try FileManager.default.contentsOfDirectory(atPath: place.path).sorted()
        .map { place.appending(path: $0) }
}

/// The frames of `proto/vectors`.
func goldenFrames() throws -> [[UInt8]] {
    try filesOfRepository("proto/vectors").map { file in
        let text = try String(contentsOf: file, encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("hex: ") }
            .flatMap { bytes(hex: $0.dropFirst("hex: ".count)) ?? [] }
    }
}
