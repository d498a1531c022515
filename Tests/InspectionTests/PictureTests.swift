import CPNG
import Datasets
import Testing

@testable import Inspection

@Suite struct PictureTests {
    /// What a PNG file decodes to, by libpng's reading side.
    private func decoded(_ bytes: [UInt8]) throws -> Picture {
        var image = unsafe png_image()
        unsafe image.version = png_uint_32(PNG_IMAGE_VERSION)
        let begun = unsafe bytes.withUnsafeBytes {
            unsafe png_image_begin_read_from_memory(&image, $0.baseAddress, $0.count)
        }
        try #require(begun != 0)
        let (width, height) = unsafe (Int(image.width), Int(image.height))
        // Without an alpha channel, no palette.
        #expect(unsafe image.format == 0 || image.format == 2)
        let channels = unsafe image.format == 2 ? 3 : 1
        var pixels = [UInt8](repeating: 0, count: width * height * channels)
        let read = unsafe pixels.withUnsafeMutableBytes {
            unsafe png_image_finish_read(&image, nil, $0.baseAddress, 0, nil)
        }
        try #require(read != 0)
        return Picture(width: width, height: height, channels: channels, pixels: pixels)
    }

    @Test(arguments: [(1, 1, 1), (28, 28, 1), (7, 3, 3), (301, 2, 1), (64, 65, 3)])
    func `a PNG file decodes to the picture`(width: Int, height: Int, channels: Int) throws {
        let picture = Picture(
            width: width, height: height, channels: channels,
            pixels: (0..<(width * height * channels)).map {
                UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 11)
            })
        #expect(try decoded(picture.png()) == picture)
    }

    @Test func `a picture too long for the format is refused`() throws {
        let side = Picture.sideMax + 1
        let picture = Picture(
            width: side, height: 1, channels: 1, pixels: [UInt8](repeating: 0, count: side))
        #expect(throws: InspectionError.self) { try picture.png() }
    }

    private func dataset(channels: Int, width: Int, height: Int) -> ImageDataset {
        let count = 2 * channels * width * height
        return ImageDataset(
            name: "t", channels: channels, height: height, width: width, classCount: 1,
            pixels: (0..<count).map { UInt8($0 % 251) }, labels: [0, 0],
            statistics: ChannelStatistics(
                mean: [Float](repeating: 0, count: channels),
                deviation: [Float](repeating: 1, count: channels)),
            manifest: DataManifest(entries: []))
    }

    @Test func `an image that fits is taken pixel by pixel, its channels together`() {
        let images = dataset(channels: 3, width: 4, height: 2)
        let picture = Picture(of: 1, in: images, sideMax: 4)
        #expect(picture.width == 4 && picture.height == 2 && picture.channels == 3)
        for pixel in 0..<8 {
            for channel in 0..<3 {
                #expect(
                    picture.pixels[3 * pixel + channel]
                        == images.pixels[24 + 8 * channel + pixel])
            }
        }
        #expect(
            Picture(of: 0, in: dataset(channels: 2, width: 3, height: 3), sideMax: 9).channels == 1)
    }

    @Test func `a larger image is averaged over squares, cut off at its edges`() {
        let images = dataset(channels: 1, width: 5, height: 3)
        let picture = Picture(of: 0, in: images, sideMax: 3)
        #expect(picture.width == 3 && picture.height == 2)
        // Squares of 2: (0 + 1 + 5 + 6) / 4, ..., the last of a single pixel.
        #expect(picture.pixels == [3, 5, 7, 11, 13, 14])
    }

    @Test func `what is drawn outside a picture is left out`() {
        var picture = Picture(width: 4, height: 4, grey: 9)
        picture.fill(x: -5, y: -5, width: 3, height: 3, with: SIMD3(1, 2, 3))
        picture.fill(x: 9, y: 1, width: 3, height: 3, with: SIMD3(1, 2, 3))
        #expect(picture == Picture(width: 4, height: 4, grey: 9))
        picture.fill(x: 3, y: 3, width: 9, height: 9, with: SIMD3(1, 2, 3))
        #expect(Array(picture.pixels.suffix(3)) == [1, 2, 3])
        #expect(picture.pixels.dropLast(3).allSatisfy { $0 == 9 })
    }
}
