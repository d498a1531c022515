import Foundation
import Objectives
import Tensors

/// The losses in double precision, straight from the sheet's formulas, without blocks or maxima.
struct DoubleReference {
    let settings: ClassificationSettings
    let z: [[Double]]
    let w: [[Double]]
    let positives: [[Int]]
    var negatives: [Bool]?

    init(
        _ settings: ClassificationSettings, _ z: Tensor, _ w: Tensor, _ positives: [[Int]],
        negatives: [Bool]? = nil
    ) {
        self.settings = settings
        self.z = Self.matrix(z)
        self.w = Self.matrix(w)
        self.positives = positives
        self.negatives = negatives
    }

    /// The loss of each sample.
    var perSample: [Double] { z.indices.map { loss($0, z: z, w: w) } }

    /// The slope of the mean loss along directions of z and w, by central differences.
    func slope(alongZ dz: Tensor, alongW dw: Tensor, step: Double = 1e-6) -> Double {
        let (dz, dw) = (Self.matrix(dz), Self.matrix(dw))
        func mean(_ t: Double) -> Double {
            let (a, b) = (Self.moved(z, t, dz), Self.moved(w, t, dw))
            return z.indices.reduce(0) { $0 + loss($1, z: a, w: b) } / Double(z.count)
        }
        return (mean(step) - mean(-step)) / (2 * step)
    }

    private func loss(_ i: Int, z: [[Double]], w: [[Double]]) -> Double {
        let scale = Double(settings.scale)
        let cosines = w.map { min(max(Self.cosine(z[i], $0), -1), 1) }
        let own = positives[i].filter { $0 >= 0 }
        var a = 0.0
        for j in cosines.indices where !own.contains(j) {
            if let negatives, !negatives[j] { continue }
            let isFiltered = settings.filter > 0 && cosines[j] > Double(settings.filter)
            a += exp(isFiltered ? 0 : scale * cosines[j])
        }
        let logits = own.map { scale * withMargin(cosines[$0]) }
        switch settings.kind {
        case .mlcd: return log(1 + logits.reduce(0) { $0 + exp(-$1) }) + log(1 + a)
        case .mlc: return log(1 + a * logits.reduce(0) { $0 + exp(-$1) })
        case .softmax: return log(a + exp(logits[0])) - logits[0]
        }
    }

    private func withMargin(_ c: Double) -> Double {
        if settings.additiveMargin > 0 { return c - Double(settings.additiveMargin) }
        return cos(acos(c) + Double(settings.angularMargin))
    }

    private static func matrix(_ t: Tensor) -> [[Double]] {
        (0..<t.shape[0]).map { t.rows($0..<($0 + 1)).values.map(Double.init) }
    }

    private static func moved(_ x: [[Double]], _ t: Double, _ d: [[Double]]) -> [[Double]] {
        zip(x, d).map { zip($0, $1).map { $0 + t * $1 } }
    }

    private static func cosine(_ a: [Double], _ b: [Double]) -> Double {
        var (ab, aa, bb) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            ab += x * y
            aa += x * x
            bb += y * y
        }
        return ab / (aa * bb).squareRoot()
    }
}
