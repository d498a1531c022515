public import Tensors

/// A classifier made of texts: of each class the mean of its prompts' unit embeddings, at unit
/// length again (sheet MLCD section 5, "zero-shot"; CLIP's prompt ensembles).
public struct ZeroShotHead: Sendable {
    /// `[classes, d]`, unit rows.
    public let weights: Tensor

    /// The head of some classes.
    ///
    /// - Parameter prompts: of each class `[prompts, d]`, of any length, one prompt at least.
    public init(prompts: [Tensor]) {
        var means: [Float] = []
        for ofClass in prompts {
            let (count, d) = (ofClass.shape[0], ofClass.shape[1])
            precondition(count > 0, "a class without a prompt")
            let unit = ofClass.unitRows()
            var mean = [Float](repeating: 0, count: d)
            for prompt in 0..<count {
                for place in 0..<d { mean[place] += unit.span[prompt * d + place] }
            }
            means += mean.map { $0 / Float(count) }
        }
        let d = prompts.first?.shape[1] ?? 0
        weights = Tensor(means, shape: [prompts.count, d]).unitRows()
    }

    /// Cosines of images with all classes, `[n, classes]`, row by row.
    ///
    /// - Parameter images: `[n, d]`, of any length.
    public func logits(of images: Tensor) -> [Float] {
        let (n, classes) = (images.shape[0], weights.shape[0])
        var all = [Float](repeating: 0, count: n * classes)
        forEachScoreTile(images.unitRows(), weights) { tile, columns in
            for row in 0..<n {
                for (place, column) in columns.enumerated() {
                    all[row * classes + column] = tile[row * columns.count + place]
                }
            }
        }
        return all
    }

    /// Share of images whose class scores highest, of equal scores the lowest class.
    public func accuracy(of images: Tensor, _ labels: [Int]) -> Double {
        topAccuracy(logits(of: images), classCount: weights.shape[0], labels: labels)
    }
}
