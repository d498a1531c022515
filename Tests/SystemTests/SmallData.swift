import Foundation

/// A data set of a few images in the four files of MNIST: a process that reads it starts at once.
enum SmallData {
    static let trainCount = 1200
    static let testCount = 200
    /// The files, by name.
    static let names = [
        "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ]

    /// Where the system's package puts Fashion-MNIST.
    static let fashionMNIST = "/usr/share/datasets/fashion-mnist"

    /// Images of ten classes: a bright square at a place of the class, under noise.
    private static let files: [(name: String, bytes: [UInt8])] = {
        var bits: UInt32 = 1
        func noise() -> UInt8 {
            bits = bits &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: bits >> 24)
        }
        return [("train", trainCount), ("t10k", testCount)].flatMap { stem, count in
            var images = header(dims: [count, 28, 28])
            for index in 0..<count {
                let label = index % 10
                var image = (0..<784).map { _ in noise() / 3 }
                let (row, column) = (2 + 12 * (label / 5), 1 + 5 * (label % 5))
                for y in row..<(row + 12) {
                    for x in column..<(column + 5) { image[28 * y + x] = 140 + noise() / 4 }
                }
                images += image
            }
            let labels = header(dims: [count]) + (0..<count).map { UInt8($0 % 10) }
            return [
                ("\(stem)-images-idx3-ubyte", images), ("\(stem)-labels-idx1-ubyte", labels),
            ]
        }
    }()

    /// Writes the files below `scratch` and gives their folder.
    static func write(to scratch: ScratchDirectory, folder: String = "data") throws -> String {
        for file in files { _ = try scratch.write("\(folder)/\(file.name)", file.bytes) }
        return scratch.appending(folder)
    }

    private static func header(dims: [Int]) -> [UInt8] {
        [0, 0, 8, UInt8(dims.count)]
            + dims.flatMap { dim in (0..<4).map { UInt8(dim >> (24 - 8 * $0) & 255) } }
    }
}
