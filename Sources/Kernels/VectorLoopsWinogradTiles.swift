import Buffers

/// The tiles of channels-last images, and their transforms in and out.
@safe struct WinogradTiles {
    let images: Int
    let height: Int
    let width: Int

    var down: Int { (height + WinogradTile.outputs - 1) / WinogradTile.outputs }
    var across: Int { (width + WinogradTile.outputs - 1) / WinogradTile.outputs }
    var count: Int { images * down * across }
    /// The number of tiles up to a multiple of four rows of a product; the last ones are empty.
    var roundedCount: Int { (count + 3) / 4 * 4 }

    /// All tiles, so many at a time.
    func blocks(of size: Int) -> [Range<Int>] {
        stride(from: 0, to: roundedCount, by: size).map { $0..<min($0 + size, roundedCount) }
    }

    /// The first output of a tile.
    @inline(__always)
    private func place(_ tile: Int) -> (image: Int, y: Int, x: Int) {
        let (rest, right) = (tile / across, tile % across)
        return (
            rest / down, rest % down &* WinogradTile.outputs, right &* WinogradTile.outputs
        )
    }

    /// B^T d B of the tiles' inputs.
    ///
    /// - Parameters:
    ///   - zeros: as many as channels.
    ///   - v: 36 matrices, `plane` floats apart, a tile in every row.
    func transformInputs(
        _ x: UnsafePointer<Float>, channels: Int, _ block: Range<Int>,
        zeros: UnsafePointer<Float>, into v: UnsafeMutablePointer<Float>, row: Int, plane: Int
    ) {
        let side = WinogradTile.inputs
        unsafe withTable(side) { table, scratch in
            for tile in block {
                unsafe fill(table, side, tile, x, channels, before: 1, zeros)
                let v = unsafe v + (tile &- block.lowerBound) &* row
                for channel in stride(from: 0, to: channels, by: laneCount) {
                    for column in 0..<side {
                        unsafe WinogradTile.input(
                            WinogradTile.Six(table + column, channel, stride: side),
                            into: scratch + column &* laneCount, stride: side &* laneCount)
                    }
                    for line in 0..<side {
                        unsafe WinogradTile.input(
                            WinogradTile.Six(
                                scratch + line &* side &* laneCount, stride: laneCount),
                            into: v + (line &* side &* plane &+ channel), stride: plane)
                    }
                }
            }
        }
    }

    /// A g A^T of the gradients of the tiles' outputs, in panels of channels.
    ///
    /// - Parameter d: 36 matrices, `plane` floats apart; a panel has as many rows as the block.
    func transformOutputGradients(
        _ g: UnsafePointer<Float>, channels: Int, _ block: Range<Int>,
        zeros: UnsafePointer<Float>, into d: UnsafeMutablePointer<Float>, plane: Int
    ) {
        let (side, six, panel) = (
            WinogradTile.outputs, WinogradTile.inputs, WinogradConvolution.panelWidth
        )
        unsafe withTable(side) { table, scratch in
            for tile in block {
                unsafe fill(table, side, tile, g, channels, before: 0, zeros)
                let d = unsafe d + (tile &- block.lowerBound) &* panel
                for channel in stride(from: 0, to: channels, by: laneCount) {
                    let d =
                        unsafe d
                        + (channel / panel &* panel &* block.count &+ channel % panel)
                    for column in 0..<side {
                        unsafe WinogradTile.outputGradient(
                            (table[column] + channel).eight, (table[column &+ 4] + channel).eight,
                            (table[column &+ 8] + channel).eight,
                            (table[column &+ 12] + channel).eight,
                            into: scratch + column &* laneCount, stride: side &* laneCount)
                    }
                    for line in 0..<six {
                        let x = unsafe scratch + line &* side &* laneCount
                        unsafe WinogradTile.outputGradient(
                            x.eight, (x + 8).eight, (x + 16).eight, (x + 24).eight,
                            into: d + line &* six &* plane, stride: plane)
                    }
                }
            }
        }
    }

    /// A^T m A of the tiles' products: the outputs of some channels.
    ///
    /// - Parameters:
    ///   - m: 36 matrices, `plane` floats apart, with a panel's columns.
    ///   - columns: how many of them there are.
    ///   - y: the first image, at the first of these channels.
    func transformOutputs(
        _ m: UnsafePointer<Float>, plane: Int, _ block: Range<Int>, columns: Int,
        into y: UnsafeMutablePointer<Float>, channels: Int
    ) {
        let (side, six, panel) = (
            WinogradTile.outputs, WinogradTile.inputs, WinogradConvolution.panelWidth
        )
        unsafe withTable(0) { _, scratch in
            for tile in block.clamped(to: 0..<count) {
                let (image, top, left) = place(tile)
                let (lines, places) = (min(side, height &- top), min(side, width &- left))
                let m = unsafe m + (tile &- block.lowerBound) &* panel
                let start = ((image &* height &+ top) &* width &+ left) &* channels
                for column in stride(from: 0, to: columns, by: laneCount) {
                    for index in 0..<six {
                        unsafe WinogradTile.output(
                            WinogradTile.Six(
                                m + (index &* plane &+ column), stride: six &* plane),
                            into: scratch + index &* laneCount, stride: six &* laneCount)
                    }
                    for line in 0..<lines {
                        let x = unsafe WinogradTile.Six(
                            scratch + line &* six &* laneCount, stride: laneCount)
                        let y = unsafe y + (start &+ line &* width &* channels &+ column)
                        if places == side {
                            unsafe WinogradTile.output(x, into: y, stride: channels)
                        } else {
                            // The line itself has been read when it is written.
                            let part = unsafe scratch + line &* six &* laneCount
                            unsafe WinogradTile.output(x, into: part, stride: laneCount)
                            for index in 0..<places {
                                unsafe (y + index &* channels).setEight(
                                    (part + index &* laneCount).eight)
                            }
                        }
                    }
                }
            }
        }
    }

    /// Where the elements of a tile lie, row by row: in an image, or among zeros around it.
    @inline(__always)
    private func fill(
        _ table: UnsafeMutablePointer<UnsafePointer<Float>>, _ side: Int, _ tile: Int,
        _ x: UnsafePointer<Float>, _ channels: Int, before: Int, _ zeros: UnsafePointer<Float>
    ) {
        let (image, top, left) = place(tile)
        for line in 0..<side {
            let row = top &+ line &- before
            for index in 0..<side {
                let column = left &+ index &- before
                let isInside =
                    row >= 0 && row < height && column >= 0 && column < width && tile < count
                let offset = ((image &* height &+ row) &* width &+ column) &* channels
                unsafe table[line &* side &+ index] = isInside ? x + offset : zeros
            }
        }
    }

    /// A table of a tile's elements, and room for its transform by columns.
    @inline(__always)
    private func withTable(
        _ side: Int,
        _ body: (
            UnsafeMutablePointer<UnsafePointer<Float>>, UnsafeMutablePointer<Float>
        ) -> Void
    ) {
        unsafe withUnsafeTemporaryAllocation(
            of: UnsafePointer<Float>.self, capacity: side &* side &+ 1
        ) { table in
            unsafe withUnsafeTemporaryAllocation(
                byteCount: 4 &* WinogradTile.scratchCount, alignment: 64
            ) { scratch in
                guard let table = table.baseAddress, let scratch = scratch.baseAddress
                else { return }
                unsafe body(table, scratch.assumingMemoryBound(to: Float.self))
            }
        }
    }
}
