internal import Kernels
internal import Tensors

/// A random blur of a view by a Gaussian (SimCLR's; sheet contrastive, section 4).
public struct GaussianBlur: Hashable, Sendable {
    /// The probability that a view is blurred.
    public var probability: Float
    /// The Gaussian's deviation in pixels, uniform.
    public var sigma: ClosedRange<Float>

    /// No blur.
    public static let none = GaussianBlur(probability: 0)

    /// A blur of this probability and these deviations, above 0.
    public init(probability: Float, sigma: ClosedRange<Float> = 0.1...2) {
        precondition((0...1).contains(probability), "blur probability \(probability)")
        precondition(sigma.lowerBound > 0 && sigma.upperBound.isFinite, "deviations \(sigma)")
        self.probability = probability
        self.sigma = sigma
    }

    /// The deviation with which one view is blurred; nil if it is not.
    ///
    /// A pure function of seed, data epoch, sample and view.
    func deviation(seed: UInt64, dataEpoch: Int, sample: Int, view: Int) -> Float? {
        let random = CounterRandom(
            seed: seed, stream: .blur, a: UInt64(dataEpoch), b: UInt64(sample))
        guard random.uniform(at: 2 * view) < probability else { return nil }
        return sigma.lowerBound
            + random.uniform(at: 2 * view + 1) * (sigma.upperBound - sigma.lowerBound)
    }
}

/// The weights of one Gaussian, cut at three deviations and of sum 1, and its way over a plane.
struct GaussianKernel {
    /// Weights at distance 0, 1, ...
    let weights: [Float]

    /// A Gaussian of this deviation.
    init(deviation: Float) {
        let radius = max(1, Int((3 * deviation).rounded(.up)))
        var weights = (0...radius).map { distance in
            let x = Float(distance) / deviation
            return LaneMath.exp(-x * x / 2)
        }
        let sum = weights.dropFirst().reduce(weights[0]) { $0 + 2 * $1 }
        for distance in weights.indices { weights[distance] /= sum }
        self.weights = weights
    }

    /// Blurs a plane `[height, width]`, mirrored at its borders about the outermost pixels.
    @inline(never) @_lifetime(plane: copy plane)
    func apply(to plane: inout MutableSpan<Float>, height: Int, width: Int) {
        var line: [Float] = []
        for row in 0..<height { blur(&plane, from: row * width, count: width, step: 1, &line) }
        for column in 0..<width { blur(&plane, from: column, count: height, step: width, &line) }
    }

    @_lifetime(plane: copy plane)
    private func blur(
        _ plane: inout MutableSpan<Float>, from start: Int, count: Int, step: Int,
        _ line: inout [Float]
    ) {
        line.removeAll(keepingCapacity: true)
        for place in 0..<count { line.append(plane[start + place * step]) }
        for place in 0..<count {
            var sum = weights[0] * line[place]
            for distance in 1..<weights.count {
                let before = Self.mirrored(place - distance, count)
                let behind = Self.mirrored(place + distance, count)
                sum += weights[distance] * (line[before] + line[behind])
            }
            plane[start + place * step] = sum
        }
    }

    /// The place within `0..<count` that a place beyond shows, however far beyond.
    private static func mirrored(_ place: Int, _ count: Int) -> Int {
        guard count > 1 else { return 0 }
        let period = 2 * (count - 1)
        let rest = ((place % period) + period) % period
        return rest < count ? rest : period - rest
    }
}
