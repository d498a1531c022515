/// A gallery as one picture: a row a center, its number before it, the nearest image first.
///
/// A bar under an image says that the center is one of the image's labels.
public struct ContactSheet: Sendable {
    /// The sheet.
    public let picture: Picture

    /// The least side of an image on the sheet.
    private static let sideMin = 56
    private static let gap = 6
    private static let barHeight = 3
    private static let digitScale = 3
    private static let ground: UInt8 = 250
    private static let ink = SIMD3<UInt8>(27, 31, 36)
    private static let mark = SIMD3<UInt8>(11, 87, 176)

    /// The sheet of a gallery.
    ///
    /// - Throws: `InspectionError.noPicture` if it would be too large.
    public init(_ gallery: Gallery) throws(InspectionError) {
        let walls = gallery.walls
        let side = gallery.pictureSide
        let factor = max(1, (Self.sideMin + side - 1) / side)
        let cell = side * factor
        let digits = walls.map { "\($0.center)".count }.max() ?? 1
        let margin = Self.gap + digits * Digits.advance * Self.digitScale + Self.gap
        let columns = walls.map(\.images.count).max() ?? 0
        let rowHeight = cell + Self.barHeight + 2 * Self.gap
        let width = margin + columns * (cell + Self.gap)
        let height = max(1, walls.count) * rowHeight
        // Bytes of the picture in memory, and as it is written.
        guard width <= Picture.sideMax, height <= Picture.sideMax,
            width * height <= Self.pixelsMax
        else {
            throw .noPicture(
                width: width, height: height,
                reason: "it has more than \(Self.pixelsMax) pixels")
        }
        var sheet = Picture(width: width, height: height, grey: Self.ground)
        for (row, wall) in walls.enumerated() {
            let top = row * rowHeight + Self.gap
            Digits.draw(
                "\(wall.center)", on: &sheet, x: Self.gap,
                y: top + (cell - Digits.height * Self.digitScale) / 2, scale: Self.digitScale,
                colour: Self.ink)
            for (column, exhibit) in wall.images.enumerated() {
                let left = margin + column * (cell + Self.gap)
                sheet.draw(gallery.picture(of: exhibit), x: left, y: top, enlargedBy: factor)
                guard exhibit.label != nil else { continue }
                sheet.fill(
                    x: left, y: top + cell + Self.gap / 2, width: cell, height: Self.barHeight,
                    with: Self.mark)
            }
        }
        picture = sheet
    }

    /// The largest sheet: 192 MiB in memory.
    private static let pixelsMax = 1 << 26
}

/// Digits of three by five squares.
private enum Digits {
    static let height = 5
    /// From one digit to the next, in squares.
    static let advance = 4

    /// Rows from the top, the leftmost square the highest of three bits.
    private static let shapes: [[UInt8]] = [
        [7, 5, 5, 5, 7], [2, 6, 2, 2, 7], [7, 1, 7, 4, 7], [7, 1, 7, 1, 7], [5, 5, 7, 1, 1],
        [7, 4, 7, 1, 7], [7, 4, 7, 5, 7], [7, 1, 2, 2, 2], [7, 5, 7, 5, 7], [7, 5, 7, 1, 7],
    ]

    static func draw(
        _ number: String, on picture: inout Picture, x: Int, y: Int, scale: Int,
        colour: SIMD3<UInt8>
    ) {
        for (place, character) in number.enumerated() {
            guard let digit = character.wholeNumberValue, digit < shapes.count else { continue }
            for (row, bits) in shapes[digit].enumerated() {
                for column in 0..<3 where bits >> UInt8(2 - column) & 1 == 1 {
                    picture.fill(
                        x: x + (place * advance + column) * scale, y: y + row * scale,
                        width: scale, height: scale, with: colour)
                }
            }
        }
    }
}
