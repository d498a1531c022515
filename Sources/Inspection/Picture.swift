public import Datasets

/// A picture in memory: a byte a pixel where it is grey, three where it is coloured.
public struct Picture: Sendable, Hashable {
    /// Columns.
    public let width: Int
    /// Rows.
    public let height: Int
    /// 1 grey, 3 red, green and blue.
    public let channels: Int
    /// `[height, width, channels]`, 0 black, 255 white.
    public private(set) var pixels: [UInt8]

    /// A picture of these pixels `[height, width, channels]`.
    public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0 && (channels == 1 || channels == 3))
        precondition(pixels.count == width * height * channels, "\(pixels.count) pixels")
        (self.width, self.height, self.channels, self.pixels) = (width, height, channels, pixels)
    }

    /// A coloured picture of one shade of grey.
    init(width: Int, height: Int, grey: UInt8) {
        self.init(
            width: width, height: height, channels: 3,
            pixels: [UInt8](repeating: grey, count: 3 * width * height))
    }

    /// An image of a data set, averaged over squares where a side is longer than `sideMax`.
    ///
    /// Images of three or more channels are coloured by the first three, others grey.
    public init(of image: Int, in dataset: ImageDataset, sideMax: Int) {
        let channels = dataset.channels >= 3 ? 3 : 1
        let side = max(dataset.width, dataset.height)
        let step = (side + sideMax - 1) / sideMax
        let (width, height) = (
            (dataset.width + step - 1) / step, (dataset.height + step - 1) / step
        )
        let first = image * dataset.imageByteCount
        var pixels: [UInt8] = []
        pixels.reserveCapacity(width * height * channels)
        for row in 0..<height {
            for column in 0..<width {
                for channel in 0..<channels {
                    let plane = first + channel * dataset.height * dataset.width
                    pixels.append(Self.mean(row, column, step, plane, dataset))
                }
            }
        }
        self.init(width: width, height: height, channels: channels, pixels: pixels)
    }

    /// The mean of a square of an image's channel, cut off at its edges.
    private static func mean(
        _ row: Int, _ column: Int, _ step: Int, _ plane: Int, _ dataset: ImageDataset
    ) -> UInt8 {
        let rows = (row * step)..<min(dataset.height, (row + 1) * step)
        let columns = (column * step)..<min(dataset.width, (column + 1) * step)
        var sum = 0
        for y in rows {
            for x in columns { sum += Int(dataset.pixels[plane + y * dataset.width + x]) }
        }
        let count = rows.count * columns.count
        return UInt8((sum + count / 2) / count)
    }

    /// Colours a rectangle; what lies outside the picture is left out.
    mutating func fill(x: Int, y: Int, width: Int, height: Int, with colour: SIMD3<UInt8>) {
        for row in (y..<(y + height)).clamped(to: 0..<self.height) {
            for column in (x..<(x + width)).clamped(to: 0..<self.width) {
                set(column, row, colour)
            }
        }
    }

    /// Draws another picture, each of its pixels as a square.
    mutating func draw(_ other: Picture, x: Int, y: Int, enlargedBy factor: Int) {
        for row in 0..<other.height {
            for column in 0..<other.width {
                fill(
                    x: x + column * factor, y: y + row * factor, width: factor, height: factor,
                    with: other.colour(column, row))
            }
        }
    }

    private func colour(_ x: Int, _ y: Int) -> SIMD3<UInt8> {
        let place = (y * width + x) * channels
        guard channels == 3 else { return SIMD3(repeating: pixels[place]) }
        return SIMD3(pixels[place], pixels[place + 1], pixels[place + 2])
    }

    private mutating func set(_ x: Int, _ y: Int, _ colour: SIMD3<UInt8>) {
        let place = (y * width + x) * channels
        for channel in 0..<channels { pixels[place + channel] = colour[channel] }
    }
}
