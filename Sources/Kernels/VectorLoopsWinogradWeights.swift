import Buffers

/// The weights of Winograd's convolution: G w G^T.
@safe struct WinogradWeights {
    let inputs: Int
    let outputs: Int
    let direction: WinogradConvolution.Direction

    /// Transforms the weights of a panel of outputs.
    ///
    /// - Parameter u: 36 matrices `[inputs, 24]`, `plane` floats apart; columns past the last
    ///   output are zero.
    func transform(
        _ weight: UnsafePointer<Float>, _ panel: Int, into u: UnsafeMutablePointer<Float>,
        plane: Int
    ) {
        let width = WinogradConvolution.panelWidth
        let isForward = direction == .forward
        let (rowStride, columnStride) = isForward ? (9, inputs &* 9) : (outputs &* 9, 9)
        let scratchCount = WinogradTile.scratchCount
        unsafe withUnsafeTemporaryAllocation(
            byteCount: 4 &* scratchCount, alignment: 64
        ) { scratch in
            guard let scratch = unsafe scratch.baseAddress?.assumingMemoryBound(to: Float.self)
            else { return }
            for input in 0..<inputs {
                for column in stride(from: 0, to: width, by: laneCount) {
                    let output = panel &* width &+ column
                    let u = unsafe u + (input &* width &+ column)
                    guard output < outputs else {
                        for index in 0..<WinogradTile.products {
                            unsafe (u + index &* plane).setEight(Lanes(repeating: 0))
                        }
                        continue
                    }
                    let w = unsafe weight + (input &* rowStride &+ output &* columnStride)
                    unsafe transform(w, columnStride, isForward, scratch, into: u, plane)
                }
            }
        }
    }

    /// The windows of one input and eight outputs.
    @inline(__always)
    private func transform(
        _ w: UnsafePointer<Float>, _ stride: Int, _ isForward: Bool,
        _ scratch: UnsafeMutablePointer<Float>, into u: UnsafeMutablePointer<Float>, _ plane: Int
    ) {
        for column in 0..<3 {
            let (place, step) = isForward ? (column, 3) : (8 &- column, -3)
            let (w0, w1) = unsafe (w + place, w + (place &+ step))
            let w2 = unsafe w + (place &+ 2 &* step)
            unsafe WinogradTile.weight(
                gathered(w0, stride), gathered(w1, stride), gathered(w2, stride),
                into: scratch + column &* laneCount, stride: 3 &* laneCount)
        }
        for line in 0..<WinogradTile.inputs {
            let x = unsafe scratch + line &* 3 &* laneCount
            unsafe WinogradTile.weight(
                x.eight, (x + 8).eight, (x + 16).eight,
                into: u + line &* WinogradTile.inputs &* plane, stride: plane)
        }
    }

    /// Eight floats that are `stride` apart.
    @inline(__always)
    private func gathered(_ p: UnsafePointer<Float>, _ stride: Int) -> Lanes {
        unsafe Lanes(
            p[0], p[stride], p[2 &* stride], p[3 &* stride], p[4 &* stride], p[5 &* stride],
            p[6 &* stride], p[7 &* stride])
    }
}
