import Buffers

/// The five transforms of Winograd's convolution F(4x4, 3x3), one line of eight channels at a time.
///
/// A tile of 4 x 4 outputs comes from 6 x 6 inputs: Y = A^T [(G w G^T) * (B^T d B)] A (Lavin and
/// Gray 2016). The matrices are those of Cook and Toom for the points 0, a, -a, b, -b and infinity;
/// the divisors stand in G. A transform of a tile is that of its columns and then of its rows.
@safe enum WinogradTile {
    /// The outputs of a tile in each direction.
    static let outputs = 4
    /// The inputs of a tile in each direction.
    static let inputs = 6
    /// The products of a tile.
    static let products = 36
    /// The floats between the transforms of columns and rows.
    static let scratchCount = 36 * laneCount

    // With 1 and 2, as Lavin and Gray have it, outputs of 256 channels have 2.6 times the error.
    // The powers and products of these are exact, too.
    @inline(__always) private static var a: Float { 0.625 }
    @inline(__always) private static var b: Float { 1.5 }
    /// The products of differences between a point and the others.
    @inline(__always) private static var divisor0: Float { a * a * b * b }
    @inline(__always) private static var divisorA: Float { 2 * a * a * (a * a - b * b) }
    @inline(__always) private static var divisorB: Float { 2 * b * b * (b * b - a * a) }

    /// Where the six values of a line lie.
    @safe struct Six {
        let p0, p1, p2, p3, p4, p5: UnsafePointer<Float>

        @inline(__always)
        init(_ table: UnsafePointer<UnsafePointer<Float>>, _ offset: Int, stride: Int) {
            unsafe p0 = table[0] + offset
            unsafe p1 = table[stride] + offset
            unsafe p2 = table[2 &* stride] + offset
            unsafe p3 = table[3 &* stride] + offset
            unsafe p4 = table[4 &* stride] + offset
            unsafe p5 = table[5 &* stride] + offset
        }

        @inline(__always)
        init(_ first: UnsafePointer<Float>, stride: Int) {
            unsafe p0 = first
            unsafe p1 = first + stride
            unsafe p2 = first + 2 &* stride
            unsafe p3 = first + 3 &* stride
            unsafe p4 = first + 4 &* stride
            unsafe p5 = first + 5 &* stride
        }
    }

    /// B^T: six inputs to six factors.
    @inline(__always)
    static func input(_ x: Six, into y: UnsafeMutablePointer<Float>, stride: Int) {
        let (x0, x1, x2) = unsafe (x.p0.eight, x.p1.eight, x.p2.eight)
        let (x3, x4, x5) = unsafe (x.p3.eight, x.p4.eight, x.p5.eight)
        let (aa, bb) = (Lanes(repeating: -a * a), Lanes(repeating: -b * b))
        let (evenA, oddA) = (x4.addingProduct(x2, bb), x3.addingProduct(x1, bb))
        let (evenB, oddB) = (x4.addingProduct(x2, aa), x3.addingProduct(x1, aa))
        let (sum, product) = (Lanes(repeating: -(a * a + b * b)), Lanes(repeating: divisor0))
        unsafe y.setEight(x4.addingProduct(x2, sum).addingProduct(x0, product))
        unsafe (y + stride).setEight(evenA.addingProduct(oddA, Lanes(repeating: a)))
        unsafe (y + 2 &* stride).setEight(evenA.addingProduct(oddA, Lanes(repeating: -a)))
        unsafe (y + 3 &* stride).setEight(evenB.addingProduct(oddB, Lanes(repeating: b)))
        unsafe (y + 4 &* stride).setEight(evenB.addingProduct(oddB, Lanes(repeating: -b)))
        unsafe (y + 5 &* stride).setEight(x5.addingProduct(x3, sum).addingProduct(x1, product))
    }

    /// A^T: six products to four outputs.
    @inline(__always)
    static func output(_ x: Six, into y: UnsafeMutablePointer<Float>, stride: Int) {
        let (x1, x2) = unsafe (x.p1.eight, x.p2.eight)
        let (x3, x4) = unsafe (x.p3.eight, x.p4.eight)
        let (evenA, oddA, evenB, oddB) = (x1 + x2, x1 - x2, x3 + x4, x3 - x4)
        unsafe y.setEight(x.p0.eight + evenA + evenB)
        unsafe (y + stride).setEight((oddA * a).addingProduct(oddB, Lanes(repeating: b)))
        unsafe (y + 2 &* stride).setEight(
            (evenA * (a * a)).addingProduct(evenB, Lanes(repeating: b * b)))
        let last = unsafe x.p5.eight.addingProduct(oddA, Lanes(repeating: a * a * a))
        unsafe (y + 3 &* stride).setEight(last.addingProduct(oddB, Lanes(repeating: b * b * b)))
    }

    /// A: four gradients of outputs to those of six products.
    @inline(__always)
    static func outputGradient(
        _ x0: Lanes, _ x1: Lanes, _ x2: Lanes, _ x3: Lanes,
        into y: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let (aa, bb) = (Lanes(repeating: a * a), Lanes(repeating: b * b))
        let (evenA, oddA) = (x0.addingProduct(x2, aa), x1.addingProduct(x3, aa))
        let (evenB, oddB) = (x0.addingProduct(x2, bb), x1.addingProduct(x3, bb))
        unsafe y.setEight(x0)
        unsafe (y + stride).setEight(evenA.addingProduct(oddA, Lanes(repeating: a)))
        unsafe (y + 2 &* stride).setEight(evenA.addingProduct(oddA, Lanes(repeating: -a)))
        unsafe (y + 3 &* stride).setEight(evenB.addingProduct(oddB, Lanes(repeating: b)))
        unsafe (y + 4 &* stride).setEight(evenB.addingProduct(oddB, Lanes(repeating: -b)))
        unsafe (y + 5 &* stride).setEight(x3)
    }

    /// G: three weights to six factors.
    @inline(__always)
    static func weight(
        _ x0: Lanes, _ x1: Lanes, _ x2: Lanes, into y: UnsafeMutablePointer<Float>, stride: Int
    ) {
        let (aa, bb) = (Lanes(repeating: a * a), Lanes(repeating: b * b))
        let evenA = x0.addingProduct(x2, aa) * (1 / divisorA)
        let evenB = x0.addingProduct(x2, bb) * (1 / divisorB)
        let (oddA, oddB) = (x1 * (a / divisorA), x1 * (b / divisorB))
        unsafe y.setEight(x0 * (1 / divisor0))
        unsafe (y + stride).setEight(evenA + oddA)
        unsafe (y + 2 &* stride).setEight(evenA - oddA)
        unsafe (y + 3 &* stride).setEight(evenB + oddB)
        unsafe (y + 4 &* stride).setEight(evenB - oddB)
        unsafe (y + 5 &* stride).setEight(x2)
    }

    /// G^T: gradients of six factors to those of three weights.
    @inline(__always)
    static func weightGradient(_ x: Six, into y: UnsafeMutablePointer<Float>, stride: Int) {
        let (x1, x2) = unsafe (x.p1.eight, x.p2.eight)
        let (x3, x4) = unsafe (x.p3.eight, x.p4.eight)
        let (evenA, evenB) = ((x1 + x2) * (1 / divisorA), (x3 + x4) * (1 / divisorB))
        let (oddA, oddB) = (x1 - x2, x3 - x4)
        let first = unsafe evenA.addingProduct(x.p0.eight, Lanes(repeating: 1 / divisor0))
        unsafe y.setEight(first + evenB)
        unsafe (y + stride).setEight(
            (oddA * (a / divisorA)).addingProduct(oddB, Lanes(repeating: b / divisorB)))
        let last = unsafe x.p5.eight.addingProduct(evenA, Lanes(repeating: a * a))
        unsafe (y + 2 &* stride).setEight(last.addingProduct(evenB, Lanes(repeating: b * b)))
    }
}
