internal import Kernels

/// The losses of instance discrimination over a row of similarities (Wang and Liu, "Understanding
/// the Behaviour of Contrastive Loss", CVPR 2021; sheet contrastive, section 2).
///
/// s_ii is the positive's similarity, N the number of rows, top K the K largest similarities with
/// the positive among the candidates:
///
///     contrastive   -log( e^(s_ii/tau) / sum_k e^(s_ik/tau) + epsilon )
///     simple        -s_ii + (1/N) sum_k s_ik
///     hard          -log( e^(s_ii/tau) / sum_{top K} e^(s_ik/tau) + epsilon )
///     hardSimple    -s_ii + (1/K) sum_{top K} s_ik
///     extreme       max_k s_ik - s_ii
///
/// None of them changes when all similarities move by one number, so that the gradient of a row
/// adds up to 0: that is how the positive's part is made, without the loss of digits of 1 - P_ii.
public struct InstanceLoss: SimilarityLoss, Hashable {
    /// Which loss.
    public enum Kind: String, Sendable, CaseIterable {
        /// The softmax over all rows (equation 1).
        case contrastive
        /// Its limit for a high temperature: linear, all negatives alike (equation 7).
        case simple
        /// The softmax over the K rows nearest to the anchor (equation 9).
        case hard
        /// The linear loss over these.
        case hardSimple = "hard-simple"
        /// The limit for a low temperature: the nearest row alone (equation 6).
        case extreme
    }

    /// How `hard` treats the positive.
    public enum Form: String, Sendable, CaseIterable {
        /// As the authors' code has it: the positive counts in the sum if it is among the K.
        case code
        /// As the paper's equation 9 has it: K - 1 nearest other rows, and the positive always;
        /// no epsilon.
        case formula
    }

    /// Which loss.
    public var kind: Kind
    /// tau of the softmax losses.
    public var temperature: Float
    /// K of the hard losses; more than there are rows means all rows.
    public var hardest: Int
    /// How `hard` treats the positive.
    public var form: Form
    /// What the authors' code adds inside the logarithm.
    public var epsilon: Float

    /// The authors' value of `epsilon`.
    public static let epsilonDefault: Float = 1e-7

    /// A loss with these constants.
    ///
    /// - Precondition: `temperature > 0`, `hardest > 0`, `epsilon >= 0`.
    public init(
        _ kind: Kind, temperature: Float = 0.07, hardest: Int = 4096, form: Form = .code,
        epsilon: Float = epsilonDefault
    ) {
        precondition(temperature > 0 && temperature.isFinite, "a temperature of \(temperature)")
        precondition(hardest > 0, "\(hardest) hardest rows")
        precondition(epsilon >= 0, "an epsilon of \(epsilon)")
        self.kind = kind
        self.temperature = temperature
        self.hardest = hardest
        self.form = form
        self.epsilon = epsilon
    }

    /// The loss of an anchor, and dL/ds in `gradient`.
    @inline(never)
    @_lifetime(similarities: copy similarities) @_lifetime(gradient: copy gradient)
    public func differentiate(
        _ similarities: inout MutableSpan<Float>, own: Int,
        into gradient: inout MutableSpan<Float>
    ) -> Float {
        let count = similarities.count
        precondition(gradient.count == count, "\(gradient.count) slopes of \(count) rows")
        precondition(own >= 0 && own < count, "the positive \(own) of \(count) rows")
        let positive = similarities[own]
        let loss: Float
        switch kind {
        case .contrastive:
            Vector.scale(&similarities, by: 1 / temperature)
            loss = softmax(
                similarities.span, positive: positive, epsilon: epsilon, into: &gradient)
        case .simple:
            loss = Vector.sum(similarities.span) / Float(count) - positive
            Vector.fill(&gradient, with: 1 / Float(count))
        case .hard:
            loss = hard(&similarities, own: own, into: &gradient)
        case .hardSimple:
            let places = LargestValues.places(in: similarities.span, count: min(hardest, count))
            let sum = Vector.sum(Self.gathered(similarities.span, places).span)
            loss = sum / Float(places.count) - positive
            Vector.fill(&gradient, with: 0)
            for place in places { gradient[Int(place)] = 1 / Float(places.count) }
        case .extreme:
            loss = Vector.maximum(similarities.span) - positive
            Vector.fill(&gradient, with: 0)
            guard loss > 0 else { return 0 }
            gradient[Int(LargestValues.places(in: similarities.span, count: 1)[0])] = 1
        }
        gradient[own] = 0
        gradient[own] = -Vector.sum(gradient.span)
        return loss
    }

    /// The softmax over the nearest rows; the positive's own slope is the caller's.
    @_lifetime(s: copy s) @_lifetime(gradient: copy gradient)
    private func hard(
        _ s: inout MutableSpan<Float>, own: Int, into gradient: inout MutableSpan<Float>
    ) -> Float {
        let positive = s[own]
        var places: [Int32]
        switch form {
        case .code:
            places = LargestValues.places(in: s.span, count: min(hardest, s.count))
        case .formula:
            s[own] = -.infinity
            places = LargestValues.places(in: s.span, count: min(hardest, s.count) - 1)
            s[own] = positive
            places.append(Int32(own))
        }
        var chosen = Self.gathered(s.span, places)
        var slopes = [Float](repeating: 0, count: places.count)
        var x = chosen.mutableSpan
        Vector.scale(&x, by: 1 / temperature)
        var y = slopes.mutableSpan
        let loss = softmax(
            x.span, positive: positive, epsilon: form == .code ? epsilon : 0, into: &y)
        Vector.fill(&gradient, with: 0)
        for (index, place) in places.enumerated() { gradient[Int(place)] = y[index] }
        return loss
    }

    /// -log( e^(positive/tau) / sum e^x + epsilon ), and what it changes by for each s = tau x of
    /// the sum.
    ///
    /// - Parameter x: similarities divided by tau.
    @_lifetime(slopes: copy slopes)
    private func softmax(
        _ x: Span<Float>, positive: Float, epsilon: Float, into slopes: inout MutableSpan<Float>
    ) -> Float {
        var sum: [Float] = [0]
        var logSum = sum.mutableSpan
        Rows.logSumExp(x, width: x.count, into: &logSum)
        let logRatio = positive * (1 / temperature) - logSum[0]
        let ratio = LaneMath.exp(logRatio)
        // The epsilon weakens an anchor whose ratio is as small as it: p / (p + 1e-7).
        let weight = epsilon > 0 ? ratio / (ratio + epsilon) : 1
        let factor: [Float] = [weight / temperature]
        Rows.logSumExpGradient(x, logSum.span, factor.span, width: x.count, into: &slopes)
        return epsilon > 0 ? -LaneMath.log(ratio + epsilon) : -logRatio
    }

    private static func gathered(_ s: Span<Float>, _ places: [Int32]) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(places.count)
        for place in places { values.append(s[Int(place)]) }
        return values
    }
}
