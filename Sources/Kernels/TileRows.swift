/// The tiles that some rows are cut into: of six rows, then of four, then of one.
///
/// A tile of six or four rows has sums enough to hide how long a multiply-add takes; so there are
/// as few single rows as possible.
struct TileRows {
    /// The tiles of six rows, the first ones.
    let sixes: Int
    private let fours: Int
    /// The number of tiles.
    let count: Int

    init(of rows: Int) {
        // Two or three rows over make two tiles of four with the last six.
        let isShort = rows % 6 == 2 || rows % 6 == 3
        sixes = rows / 6 - (isShort && rows > 6 ? 1 : 0)
        let left = rows - 6 * sixes
        fours = left / 4
        count = sixes + fours + left % 4
    }

    /// The rows of a tile.
    subscript(tile: Int) -> Int { tile < sixes ? 6 : tile < sixes &+ fours ? 4 : 1 }
}
