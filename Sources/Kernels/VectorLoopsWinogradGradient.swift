import Buffers

extension WinogradConvolution {
    /// The floats that `weightGradient` works in.
    public var weightGradientScratchCount: Int { GradientMemory(self).end }

    /// The gradient of the weights, `[outputs, inputs, 3, 3]`: G^T [sum (B^T d B) * (A g A^T)] G.
    ///
    /// Each sum over tiles is one chain of fused multiply-adds, from the first tile to the last.
    ///
    /// - Parameters:
    ///   - x: `[images, height, width, inputs]`.
    ///   - g: the gradient of the outputs, `[images, height, width, outputs]`.
    ///   - scratch: `weightGradientScratchCount` floats.
    @_lifetime(dWeight: copy dWeight) @_lifetime(scratch: copy scratch)
    public func weightGradient(
        _ x: Span<Float>, gradient g: Span<Float>, into dWeight: inout MutableSpan<Float>,
        scratch: inout MutableSpan<Float>
    ) {
        precondition(
            x.count == images * height * width * inputs && dWeight.count == inputs * outputs * 9
                && g.count == images * height * width * outputs
                && scratch.count >= weightGradientScratchCount, "Winograd: sizes differ")
        unsafe x.withUnsafeBufferPointer { x in
            unsafe g.withUnsafeBufferPointer { g in
                unsafe dWeight.withUnsafeMutableBufferPointer { dWeight in
                    unsafe scratch.withUnsafeMutableBufferPointer { scratch in
                        guard let dWeight = dWeight.baseAddress,
                            let scratch = scratch.baseAddress
                        else { return }
                        let x = unsafe x.baseAddress ?? UnsafePointer(scratch)
                        let g = unsafe g.baseAddress ?? UnsafePointer(scratch)
                        unsafe sumProducts(x, g, scratch)
                        unsafe finish(scratch, into: dWeight)
                    }
                }
            }
        }
    }

    /// Sums the products of all tiles: 36 matrices in panels.
    private func sumProducts(
        _ x: UnsafePointer<Float>, _ g: UnsafePointer<Float>,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        let (memory, panel) = (GradientMemory(self), Self.panelWidth)
        unsafe scratch.initialize(repeating: 0, count: memory.factors)
        if images == 0 {
            unsafe (scratch + memory.sums).initialize(
                repeating: 0, count: memory.end - memory.sums)
        }
        for block in tiles.blocks(of: Self.gradientTilesMax) {
            unsafe tiles.transformInputs(
                x, channels: inputs, block, zeros: scratch, into: scratch + memory.factors,
                row: memory.row, plane: memory.factorPlane)
            unsafe tiles.transformOutputGradients(
                g, channels: outputs, block, zeros: scratch, into: scratch + memory.gradients,
                plane: memory.gradientPlane)
            let isFirst = block.lowerBound == 0
            let tile = PanelTile(
                k: block.count, rowA: 1, columnA: memory.row, rowB: panel,
                rowStart: isFirst ? 0 : panel, rowC: panel)
            for product in 0..<WinogradTile.products {
                let v = unsafe scratch + memory.factors + product &* memory.factorPlane
                let d = unsafe scratch + memory.gradients + product &* memory.gradientPlane
                var c = unsafe scratch + memory.sums + product &* memory.sumPlane
                for column in stride(from: 0, to: outputs, by: panel) {
                    let b = unsafe d + column &* block.count
                    unsafe tile.strip(
                        rows: inputs, columns: Self.columns(min(panel, outputs &- column)), v, b,
                        from: isFirst ? UnsafePointer(scratch) : UnsafePointer(c), into: c)
                    unsafe c += inputs &* panel
                }
            }
        }
    }

    /// G^T u G of the sums, into torch's order.
    private func finish(
        _ scratch: UnsafeMutablePointer<Float>, into dWeight: UnsafeMutablePointer<Float>
    ) {
        let (memory, panel, six) = (GradientMemory(self), Self.panelWidth, WinogradTile.inputs)
        let lines = unsafe scratch + memory.gradients
        let windows = unsafe lines + 18 &* laneCount
        for first in stride(from: 0, to: outputs, by: panel) {
            for input in 0..<inputs {
                for output in stride(from: first, to: min(outputs, first &+ panel), by: laneCount) {
                    let place = first &* inputs &+ input &* panel &+ output &- first
                    let u = unsafe scratch + memory.sums + place
                    for column in 0..<six {
                        unsafe WinogradTile.weightGradient(
                            WinogradTile.Six(
                                u + column &* memory.sumPlane, stride: six &* memory.sumPlane),
                            into: lines + column &* laneCount, stride: six &* laneCount)
                    }
                    for line in 0..<3 {
                        unsafe WinogradTile.weightGradient(
                            WinogradTile.Six(lines + line &* six &* laneCount, stride: laneCount),
                            into: windows + line &* 3 &* laneCount, stride: laneCount)
                    }
                    for lane in 0..<laneCount {
                        let to = unsafe dWeight + ((output &+ lane) &* inputs &+ input) &* 9
                        for index in 0..<9 {
                            unsafe to[index] = windows[index &* laneCount &+ lane]
                        }
                    }
                }
            }
        }
    }

    /// Tiles whose products are summed together.
    static let gradientTilesMax = 32

    /// Where things lie in the scratch memory: zeros, factors, gradients, sums.
    private struct GradientMemory {
        let factors, gradients, sums, end: Int
        let row: Int
        let factorPlane, gradientPlane, sumPlane: Int

        init(_ convolution: WinogradConvolution) {
            let panels = convolution.panelCount
            let rows = min(gradientTilesMax, max(4, convolution.tiles.roundedCount))
            row = convolution.inputs + 16
            factorPlane = rows * row + 16
            gradientPlane = panels * panelWidth * rows + 16
            sumPlane = panels * panelWidth * convolution.inputs + 16
            factors = max(panelWidth, convolution.inputs, convolution.outputs) + 16
            gradients = factors + WinogradTile.products * factorPlane
            sums = gradients + WinogradTile.products * gradientPlane
            end = sums + WinogradTile.products * sumPlane
        }
    }
}
