import Buffers

/// Convolution of 3x3 windows, stride 1 and padding 1, with a quarter of the multiplications:
/// Winograd's F(4x4, 3x3).
///
/// Images are channels-last. Tiles of 6 x 6 inputs are transformed, block of tiles by block, into
/// 36 matrices `[tiles, inputs]`; each is multiplied by its matrix of transformed weights, and the
/// 36 products give tiles of 4 x 4 outputs. A block and what comes of it stay in a second-level
/// cache. Every product's element is one chain of fused multiply-adds over the inputs, so that the
/// bits of an output depend on its tile alone.
///
/// It errs twice as much as plain sums in single precision: of 64 to 512 channels 0.8e-6 to 2.2e-6
/// of the outputs' size against 0.4e-6 to 1.1e-6, gradients of weights 0.4e-6 against 0.13e-6
/// (root of the mean square against double precision; `WinogradTests`, docs/numerics.md).
@safe public struct WinogradConvolution: Sendable {
    /// The extents of the images.
    public let images: Int, height: Int, width: Int
    /// The channels before and after the convolution: multiples of eight.
    public let inputs: Int, outputs: Int

    /// Tiles that are transformed together: 36 matrices of 32 rows and 128 channels are 576 KiB.
    static let tilesMax = 32

    /// Makes a convolution of a shape.
    public init(images: Int, height: Int, width: Int, inputs: Int, outputs: Int) {
        precondition(
            images >= 0 && height > 0 && width > 0 && inputs > 0 && outputs > 0
                && inputs % laneCount == 0 && outputs % laneCount == 0,
            "Winograd: \(images) of \(height) x \(width), \(inputs) to \(outputs) channels")
        self.images = images
        self.height = height
        self.width = width
        self.inputs = inputs
        self.outputs = outputs
    }

    /// Which way weights enter.
    public enum Direction: Sendable {
        /// `[outputs, inputs, 3, 3]` as they are.
        case forward
        /// The weights of the convolution whose input gradient this is: `[inputs, outputs, 3, 3]`,
        /// each window turned by half a turn.
        case backward
    }

    /// The floats that `convolve` works in.
    public var scratchCount: Int { memory.end }

    /// y = x convolved with the weights.
    ///
    /// - Parameters:
    ///   - x: `[images, height, width, inputs]`.
    ///   - weight: see `Direction`.
    ///   - y: `[images, height, width, outputs]`.
    ///   - scratch: `scratchCount` floats.
    @_lifetime(y: copy y) @_lifetime(scratch: copy scratch)
    public func convolve(
        _ x: Span<Float>, weight: Span<Float>, _ direction: Direction,
        into y: inout MutableSpan<Float>, scratch: inout MutableSpan<Float>
    ) {
        precondition(
            x.count == images * height * width * inputs && weight.count == inputs * outputs * 9
                && y.count == images * height * width * outputs
                && scratch.count >= scratchCount, "Winograd: sizes differ")
        unsafe x.withUnsafeBufferPointer { x in
            unsafe weight.withUnsafeBufferPointer { weight in
                unsafe y.withUnsafeMutableBufferPointer { y in
                    unsafe scratch.withUnsafeMutableBufferPointer { scratch in
                        guard let x = x.baseAddress, let weight = weight.baseAddress,
                            let y = y.baseAddress, let scratch = scratch.baseAddress
                        else { return }
                        unsafe convolve(x, weight, direction, into: y, scratch)
                    }
                }
            }
        }
    }

    private func convolve(
        _ x: UnsafePointer<Float>, _ weight: UnsafePointer<Float>, _ direction: Direction,
        into y: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
    ) {
        let (memory, tiles, width) = (memory, tiles, Self.panelWidth)
        let blocks = tiles.blocks(of: Self.tilesMax)
        unsafe scratch.initialize(repeating: 0, count: memory.factors)
        let weights = WinogradWeights(inputs: inputs, outputs: outputs, direction: direction)
        for block in blocks {
            unsafe tiles.transformInputs(
                x, channels: inputs, block, zeros: scratch, into: scratch + memory.factors,
                row: memory.row, plane: memory.factorPlane)
            for panel in 0..<panelCount {
                // Weights are transformed with the first block; a single one leaves no need to
                // keep them.
                let u =
                    unsafe scratch + memory.weights
                    + (blocks.count == 1 ? 0 : panel &* memory.weightCount)
                if block.lowerBound == 0 {
                    unsafe weights.transform(weight, panel, into: u, plane: memory.weightPlane)
                }
                let columns = min(width, outputs &- panel &* width)
                unsafe multiply(scratch, u, rows: block.count, columns: columns)
                unsafe tiles.transformOutputs(
                    scratch + memory.products, plane: memory.productPlane, block,
                    columns: columns, into: y + panel &* width, channels: outputs)
            }
        }
    }

    /// The 36 products of a block of tiles and a panel of weights.
    private func multiply(
        _ scratch: UnsafeMutablePointer<Float>, _ u: UnsafePointer<Float>, rows: Int,
        columns: Int
    ) {
        let memory = memory
        for product in 0..<WinogradTile.products {
            let v = unsafe scratch + memory.factors + product &* memory.factorPlane
            let c = unsafe scratch + memory.products + product &* memory.productPlane
            for first in stride(from: 0, to: inputs, by: Self.depth) {
                let isContinued = first > 0
                let tile = PanelTile(
                    k: min(Self.depth, inputs &- first), rowA: memory.row, columnA: 1,
                    rowB: Self.panelWidth, rowStart: isContinued ? Self.panelWidth : 0,
                    rowC: Self.panelWidth)
                let b = unsafe u + product &* memory.weightPlane + first &* Self.panelWidth
                unsafe tile.strip(
                    rows: rows, columns: Self.columns(columns), v + first, b,
                    from: isContinued ? UnsafePointer(c) : UnsafePointer(scratch), into: c)
            }
        }
    }

    /// The columns of a panel of weights: every element of the 36 matrices serves so many outputs.
    static let panelWidth = 48

    /// The panels of all outputs.
    var panelCount: Int { (outputs + Self.panelWidth - 1) / Self.panelWidth }

    /// The columns of a panel that are multiplied for so many outputs: whole tiles.
    static func columns(_ outputs: Int) -> Int { (outputs &+ 15) / 16 &* 16 }

    /// Rows of a panel that are used together: 24 KiB, which stay in a first-level cache.
    static let depth = 256

    var tiles: WinogradTiles { WinogradTiles(images: images, height: height, width: width) }

    private var memory: Memory { Memory(self) }

    /// Where things lie in the scratch memory: zeros, factors, weights, products.
    ///
    /// Matrices and long rows are a cache line longer than needed, so that the 36 do not meet in
    /// the same few places of a cache.
    private struct Memory {
        let factors, weights, products, end: Int
        /// How far apart rows of factors are.
        let row: Int
        let factorPlane, weightPlane, productPlane: Int
        /// The transformed weights of a panel.
        let weightCount: Int

        init(_ convolution: WinogradConvolution) {
            let rows = min(tilesMax, convolution.tiles.roundedCount)
            let panels =
                convolution.tiles.roundedCount > tilesMax
                ? convolution.panelCount : 1
            row = convolution.inputs + 16
            factorPlane = rows * row + 16
            weightPlane = convolution.inputs * panelWidth + 16
            productPlane = rows * panelWidth + 16
            weightCount = WinogradTile.products * weightPlane
            factors = max(panelWidth, convolution.inputs) + 16
            weights = factors + WinogradTile.products * factorPlane
            products = weights + panels * weightCount
            end = products + WinogradTile.products * productPlane
        }
    }
}
