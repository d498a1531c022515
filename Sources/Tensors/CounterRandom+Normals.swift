import Buffers
import Kernels

extension CounterRandom {
    /// Writes `deviation` times `normal(at: i)` for all i from 0 on, with the same bits.
    ///
    /// Sixteen at a time: tables have half a billion of them.
    @_lifetime(target: copy target)
    public func fillNormals(_ target: inout MutableSpan<Float>, deviation: Float = 1) {
        var index = 0
        while index + 16 <= target.count {
            var (u, angle) = (Lanes(repeating: 0), Lanes(repeating: 0))
            for block in 0..<4 {
                let four = self.block(at: UInt64(index / 4 + block))
                for half in 0..<2 {
                    u[2 * block + half] = (Float(four[2 * half]) + 0.5) * 0x1p-32
                    angle[2 * block + half] =
                        Float(four[2 * half + 1] >> 8) * (0x1p-24 * 2 * Float.pi)
                }
            }
            let radius = (-2 * LaneMath.log(u)).squareRoot()
            let (first, second) = (radius * LaneMath.cos(angle), radius * LaneMath.sin(angle))
            for lane in 0..<8 {
                target[index + 2 * lane] = deviation * first[lane]
                target[index + 2 * lane + 1] = deviation * second[lane]
            }
            index += 16
        }
        while index < target.count {
            target[index] = deviation * normal(at: index)
            index += 1
        }
    }
}
