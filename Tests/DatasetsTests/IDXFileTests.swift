import Datasets
import Foundation
import Testing

/// Files of the package `dataset-fashion-mnist` are big; these tests write small ones of their own.
struct IDXFileTests {
    private let plain: [UInt8] = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]
    /// `plain`, compressed by gzip without a name.
    private let zipped: [UInt8] = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x63, 0x60, 0xe0, 0x60, 0x62,
        0x60, 0x60, 0x00, 0x61, 0x66, 0x46, 0x26, 0x66, 0x16, 0x56, 0x36, 0x00, 0x48, 0x94, 0x3e,
        0xe5, 0x12, 0x00, 0x00, 0x00,
    ]

    @Test func `a plain file gives dims and elements`() throws {
        let file = try IDXFile(contents: plain, file: "f")
        #expect(file.dims == [2, 3])
        #expect(file.elements == [1, 2, 3, 4, 5, 6])
    }

    @Test func `compression changes neither content nor digest`() throws {
        let (a, b) = try (
            IDXFile(contents: plain, file: "f"), IDXFile(contents: zipped, file: "f.gz")
        )
        #expect(a.digest == b.digest)
        #expect(a.elements == b.elements)
        #expect(b.byteCount == plain.count)
    }

    @Test func `every truncation of a plain file is refused as truncated`() {
        for count in 0..<plain.count {
            #expect(throws: DatasetError.self) {
                try IDXFile(contents: Array(plain[..<count]), file: "f")
            }
            do {
                _ = try IDXFile(contents: Array(plain[..<count]), file: "f")
            } catch {
                guard case .truncated(let file, _) = error else {
                    Issue.record("\(count) bytes: \(error)")
                    continue
                }
                #expect(file == "f")
            }
        }
    }

    @Test func `every truncation of a compressed file is refused`() {
        for count in 1..<zipped.count {
            #expect(throws: DatasetError.self) {
                try IDXFile(contents: Array(zipped[..<count]), file: "f.gz")
            }
        }
    }

    @Test func `no flipped bit of a compressed file passes unseen with other content`() {
        for byte in zipped.indices {
            for bit in 0..<8 {
                var damaged = zipped
                damaged[byte] ^= 1 << bit
                guard let file = try? IDXFile(contents: damaged, file: "f.gz") else {
                    continue  // refused, as it should be
                }
                // Bytes 4 to 9 of gzip's header (time, system) carry no content.
                #expect(file.elements == [1, 2, 3, 4, 5, 6], "byte \(byte) bit \(bit)")
            }
        }
    }

    @Test func `bytes after the end are counted and refused`() {
        #expect(throws: DatasetError.trailingBytes(file: "f", count: 2)) {
            try IDXFile(contents: plain + [9, 9], file: "f")
        }
        #expect(throws: DatasetError.trailingBytes(file: "f.gz", count: 3)) {
            try IDXFile(contents: zipped + [1, 2, 3], file: "f.gz")
        }
    }

    @Test func `another type than bytes and another magic are refused`() {
        for (place, value) in [(0, 1), (1, 1), (2, 9), (3, 0), (3, 9)] as [(Int, UInt8)] {
            var other = plain
            other[place] = value
            #expect(throws: DatasetError.self) { try IDXFile(contents: other, file: "f") }
        }
    }

    @Test func `a header that claims more than any file holds does not allocate it`() {
        let huge: [UInt8] = [0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255, 1]
        #expect(throws: DatasetError.tooLarge(file: "f", limitBytes: 1 << 32)) {
            try IDXFile(contents: huge, file: "f")
        }
    }

    /// A small file must not take the memory of a large one.
    @Test func `a compressed file is decoded no further than its header says`() throws {
        // Three labels by its header, and then 4,096 zeros.
        let bomb: [UInt8] = [
            0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xed, 0xc1, 0x41, 0x0d,
            0x00, 0x30, 0x08, 0x00, 0xb1, 0x23, 0xfb, 0xe0, 0x5f, 0x31, 0x3e, 0x96, 0xb6, 0xb5,
            0x53, 0xbd, 0x00, 0x00, 0x00, 0x80, 0xef, 0x1d, 0xa3, 0x81, 0xbf, 0xfd, 0x08, 0x10,
            0x00, 0x00,
        ]
        let detail = "it goes on after the 11 bytes that its header says"
        #expect(throws: DatasetError.corrupt(file: "f.gz", detail: detail)) {
            try IDXFile(contents: bomb, file: "f.gz")
        }
    }

    @Test func `a missing file is named with what to do`() {
        do {
            _ = try FashionMNIST.load(directory: "/nowhere")
            Issue.record("loaded from nowhere")
        } catch {
            #expect(error.description.contains("/nowhere/train-images-idx3-ubyte.gz"))
            #expect(error.description.contains("apt-get install dataset-fashion-mnist"))
        }
    }
}

struct FashionMNISTTests {
    @Test func `the installed set has its published size, labels and statistics`() throws {
        let (train, test) = try FashionMNIST.load()
        #expect(train.count == 60_000 && test.count == 10_000)
        for set in [train, test] {
            var counts = [Int](repeating: 0, count: 10)
            for index in 0..<set.count { counts[set.label(index)] += 1 }
            #expect(counts == Array(repeating: set.count / 10, count: 10))
        }
        let sum = train.pixels.reduce(0.0) { $0 + Double($1) }
        let mean = sum / Double(train.pixels.count) / 255
        #expect(abs(mean - Double(FashionMNIST.statistics.mean[0])) < 1e-4)
        #expect(train.digest != test.digest)
        #expect(train.manifest.entries.map(\.byteCount) == [47_040_016, 60_008])
    }

    @Test func `a set whose labels do not match its images is refused`() throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }  // only temporary
        let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]
        let pixels = [UInt8](repeating: 7, count: 2 * 784)
        write(images + pixels, to: directory + "/train-images-idx3-ubyte")
        write([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3], to: directory + "/train-labels-idx1-ubyte")
        #expect(
            throws: DatasetError.wrongDimensions(
                file: directory + "/train-labels-idx1-ubyte", expected: "2 labels, one an image",
                found: [3])
        ) { try FashionMNIST.load(directory: directory) }
        write([0, 0, 8, 1, 0, 0, 0, 2, 1, 10], to: directory + "/train-labels-idx1-ubyte")
        #expect(
            throws: DatasetError.labelOutOfRange(
                file: directory + "/train-labels-idx1-ubyte", index: 1, label: 10, classCount: 10)
        ) { try FashionMNIST.load(directory: directory) }
    }

    private func temporaryDirectory() throws -> String {
        let path = NSTemporaryDirectory() + "/fashion-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private func write(_ bytes: [UInt8], to path: String) {
        #expect(FileManager.default.createFile(atPath: path, contents: Data(bytes)))
    }
}
