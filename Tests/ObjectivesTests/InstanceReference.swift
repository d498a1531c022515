import Foundation
import Objectives
import Tensors

/// Losses of instance discrimination in double precision, straight from the sheet's formulas.
struct InstanceReference {
    /// V, as it is.
    let rows: [[Double]]
    /// The loss of a row of similarities with the positive at a place.
    let loss: ([Double], Int) -> Double

    /// The loss of each anchor.
    ///
    /// - Parameters:
    ///   - z: not normalised.
    ///   - places: of the positives in each anchor's row of similarities.
    ///   - columns: the rows that an anchor is compared with, in order; nil: all.
    ///   - keys: compared with first.
    func losses(
        _ z: [[Double]], places: [Int], columns: [[Int32]]? = nil, keys: [[Double]]? = nil
    ) -> [Double] {
        z.indices.map { anchor in
            let length = Self.dot(z[anchor], z[anchor]).squareRoot()
            let f = z[anchor].map { $0 / length }
            let own = columns?[anchor].map { rows[Int($0)] } ?? rows
            let before = keys.map { [$0[anchor]] } ?? []
            return loss((before + own).map { Self.dot(f, $0) }, places[anchor])
        }
    }

    static func dot(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }

    static func matrix(_ t: Tensor) -> [[Double]] {
        let values = t.values.map(Double.init)
        let width = t.shape[1]
        return (0..<t.shape[0]).map { Array(values[($0 * width)..<(($0 + 1) * width)]) }
    }

    /// The formula of a loss over all rows.
    static func formula(_ settings: InstanceLoss) -> ([Double], Int) -> Double {
        let tau = Double(settings.temperature)
        func softmax(_ own: Double, _ among: [Double], _ epsilon: Double) -> Double {
            let sum = among.reduce(0) { $0 + exp(($1 - own) / tau) }
            return -log(1 / sum + epsilon)
        }
        func top(_ s: [Double], _ count: Int) -> [Double] {
            Array(s.sorted(by: >).prefix(count))
        }
        let epsilon = Double(settings.epsilon)
        return { s, own in
            switch settings.kind {
            case .contrastive: return softmax(s[own], s, epsilon)
            case .simple: return s.reduce(0, +) / Double(s.count) - s[own]
            case .hardSimple:
                let nearest = top(s, settings.hardest)
                return nearest.reduce(0, +) / Double(nearest.count) - s[own]
            case .extreme: return (s.max() ?? 0) - s[own]
            case .hard:
                guard settings.form == .formula else {
                    return softmax(s[own], top(s, settings.hardest), epsilon)
                }
                var others = s
                others.remove(at: own)
                return softmax(s[own], [s[own]] + top(others, settings.hardest - 1), 0)
            }
        }
    }

    /// The formula of noise-contrastive estimation.
    static func formula(_ settings: NoiseContrastiveLoss) -> ([Double], Int) -> Double {
        let (tau, z) = (Double(settings.temperature), Double(settings.constant))
        return { s, own in
            let p = s.map { exp($0 / tau) / z }
            let c = Double(s.count - 1) / Double(settings.rowCount)
            var sum = log(p[own] / (p[own] + c + 1e-7))
            for place in p.indices where place != own { sum += log(c / (p[place] + c + 1e-7)) }
            return -sum
        }
    }
}
