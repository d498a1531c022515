import Datasets
import Identity

/// Files of images and labels, plain and compressed.
enum IDXTarget: Target {
    static let name = "idx"
    static let isText = false

    private static let labels: [UInt8] = [0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 4]
    private static let images: [UInt8] =
        [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2] + [1, 2, 3, 4]
    /// A label file of 4,096 zeros, compressed by zlib.
    private static let deflated: [UInt8] = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x31, 0x11, 0x00,
        0x30, 0x08, 0x00, 0xb1, 0x67, 0xeb, 0x88, 0x7f, 0xb5, 0xf8, 0xe8, 0x25, 0xa9, 0x37, 0xb5,
        0x01, 0x00, 0x00, 0x00, 0xff, 0x3b, 0xd1, 0xd5, 0xc6, 0x7f, 0x08, 0x10, 0x00, 0x00,
    ]

    static func seeds() throws -> [[UInt8]] {
        [
            labels, images, gzip(labels), gzip(images), deflated,
            gzip(Array(labels[..<6])) + gzip(Array(labels[6...])),
        ]
    }

    static func read(_ input: [UInt8]) -> IDXFile? {
        try? IDXFile(contents: input, file: "input")
    }

    static func check(_ file: IDXFile, of input: [UInt8]) throws(BrokenPromise) {
        try promise(
            file.dims.reduce(1, *) == file.elements.count, "\(file.elements.count) elements")
        var bytes: [UInt8] = [0, 0, 8, UInt8(file.dims.count)]
        for extent in file.dims {
            bytes += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: extent >> $0) }
        }
        bytes += file.elements
        try promise(
            file.byteCount == bytes.count && file.digest == sha256(bytes), "the digest differs")
        guard input[0] != 0x1f else { return }
        try promise(bytes == input, "a plain file is read as another one")
    }

    /// Zlib's own memory, and the content: no more of it than its header declares, nor than the
    /// bytes there can hold.
    static func bytesMax(_ input: [UInt8]) -> Int {
        var content = input.count
        if input.starts(with: [0x1f, 0x8b]) {
            content *= 1032  // the most that deflate can put into a byte
            if let head = storedContent(input), let declared = declaredBytes(head) {
                content = min(content, declared)
            }
        }
        return bytesAlways + (512 << 10) + 4 * content
    }

    /// Bytes of a file whose content begins so; nil if that is no header.
    private static func declaredBytes(_ head: [UInt8]) -> Int? {
        guard head.count >= 4, head.starts(with: [0, 0, 8]), (1...8).contains(head[3]),
            head.count >= 4 + 4 * Int(head[3])
        else { return nil }
        return (0..<Int(head[3])).reduce(1) { product, axis in
            let extent = (0..<4).reduce(0) { $0 << 8 | Int(head[4 + 4 * axis + $1]) }
            return min(product, 1 << 31) * extent
        }
    }

    /// A compressed file whose content is stored as it is gets right lengths and checksums.
    static func sealed(_ input: [UInt8]) -> [UInt8] {
        storedContent(input).map(gzip) ?? input
    }
}
