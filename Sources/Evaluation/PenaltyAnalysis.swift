internal import Kernels

/// How the softmax contrastive loss divides its push among the negatives of an anchor, by their
/// similarity (Wang and Liu, CVPR 2021; sheet contrastive, section 2, "gradients").
///
/// In double precision, without the code's 1e-7. P is the softmax of s/tau over all rows.
public struct PenaltyAnalysis: Sendable, Hashable {
    /// P of each row.
    public let probabilities: [Double]
    /// dL/ds of the positive: -(1 - P_i)/tau.
    public let positiveSlope: Double
    /// dL/ds of each row: P_j/tau; 0 at the positive.
    public let negativeSlopes: [Double]
    /// The relative penalty of each row, r_j = e^(s_j/tau) over the sum of it without the positive;
    /// 0 at the positive.
    ///
    /// It adds up to 1 whatever tau is.
    public let relativePenalties: [Double]
    /// H(r) = -sum r log r: the lower, the more the nearest negatives are pushed alone.
    public let entropy: Double
    /// dH/dtau = Var_r(s) / tau^3, which is above 0.
    public let entropySlope: Double

    /// Analyses an anchor.
    ///
    /// - Parameters:
    ///   - similarities: s with all rows, at least two.
    ///   - own: the place of the positive.
    ///   - temperature: tau > 0.
    ///   - among: the negatives that the loss looks at (the nearest K of the hard loss); nil: all.
    public init(
        similarities: [Float], own: Int, temperature: Double, among: [Int32]? = nil
    ) {
        precondition(similarities.count > 1, "\(similarities.count) similarities")
        precondition(similarities.indices.contains(own), "the positive \(own)")
        precondition(temperature > 0, "a temperature of \(temperature)")
        let s = similarities.map(Double.init)
        let places = among?.map { Int($0) } ?? Array(s.indices)
        let nearest = places.filter { $0 != own }.map { s[$0] }.max()
        guard let nearest else { preconditionFailure("no negative") }
        let largest = max(s[own], nearest)
        var powers = [Double](repeating: 0, count: s.count)
        for place in places { powers[place] = DoubleMath.exp((s[place] - largest) / temperature) }
        let ownPower = DoubleMath.exp((s[own] - largest) / temperature)
        powers[own] = 0
        let negatives = powers.reduce(0, +)
        let whole = negatives + ownPower
        precondition(negatives > 0, "no negative counts at a temperature of \(temperature)")

        negativeSlopes = powers.map { $0 / whole / temperature }
        positiveSlope = -(negatives / whole) / temperature
        let penalties = powers.map { $0 / negatives }
        relativePenalties = penalties
        powers[own] = ownPower
        probabilities = powers.map { $0 / whole }
        var (mean, below) = (0.0, 0.0)
        for (r, similarity) in zip(penalties, s) where r > 0 {
            mean += r * similarity
            below += r * (nearest - similarity)
        }
        // log r_j = (s_j - nearest)/tau - log Z, where Z = sum e^((s - nearest)/tau) is 1 or more.
        let partition = negatives * DoubleMath.exp((largest - nearest) / temperature)
        entropy =
            DoubleMath.log(partition, guess: LaneMath.log(Float(partition))) + below / temperature
        let variance = zip(penalties, s).reduce(0.0) { $0 + $1.0 * ($1.1 - mean) * ($1.1 - mean) }
        entropySlope = variance / (temperature * temperature * temperature)
    }
}

/// The two limits of the temperature of the softmax contrastive loss, in double precision and
/// without the code's 1e-7 (sheet contrastive, section 2, "limits").
public struct TemperatureLimits: Sendable, Hashable {
    private let similarities: [Double]
    private let positive: Double

    /// Those of an anchor with these similarities, the positive's at `own`.
    public init(similarities: [Float], own: Int) {
        precondition(similarities.indices.contains(own), "the positive \(own)")
        self.similarities = similarities.map(Double.init)
        positive = Double(similarities[own])
    }

    /// tau L, which goes to `cold` as tau goes to 0.
    public func scaledLoss(_ temperature: Double) -> Double {
        let largest = similarities.reduce(positive) { max($0, $1) }
        let sum = powers(above: largest, temperature)
        return (largest - positive) + temperature * log(sum)
    }

    /// tau (L - log N), which goes to `hot` as tau rises: tau log(mean e^((s - s_ii)/tau)).
    public func centredLoss(_ temperature: Double) -> Double {
        let largest = similarities.reduce(positive) { max($0, $1) }
        let mean = powers(above: largest, temperature) / Double(similarities.count)
        return (largest - positive) + temperature * log(mean)
    }

    /// max(s_max - s_ii, 0): the loss `extreme`.
    public var cold: Double { similarities.reduce(positive) { max($0, $1) } - positive }

    /// -s_ii + mean s: the loss `simple`.
    public var hot: Double {
        similarities.reduce(0, +) / Double(similarities.count) - positive
    }

    private func powers(above largest: Double, _ temperature: Double) -> Double {
        similarities.reduce(0) { $0 + DoubleMath.exp(($1 - largest) / temperature) }
    }

    private func log(_ x: Double) -> Double {
        DoubleMath.log(x, guess: LaneMath.log(Float(x)))
    }
}
