internal import Objectives
public import Optimizers
internal import RunFiles

/// The section `mlcd` of a run file: loss, classes, table and clustering (MLCD sheet, 2.1 to 2.5).
public struct MLCDSettings: Hashable, Sendable {
    /// Which loss is trained.
    public enum Loss: String, CaseIterable, Hashable, Sendable {
        /// Equation 5: one sum over positives and one over negatives.
        case mlcd
        /// Equation 4: the product of both sums.
        case mlc
        /// Single-label softmax with an angular margin (UNICOM).
        case arcface
        /// Single-label softmax with an additive margin.
        case cosface

        /// Whether a sample has one positive class alone.
        public var isSingleLabel: Bool { self == .arcface || self == .cosface }
    }

    /// How the margin is differentiated.
    public enum Derivative: String, CaseIterable, Hashable, Sendable {
        /// As 1, which is how the authors' code runs.
        case straight
        /// sin(theta + m) / sin(theta).
        case exact
    }

    /// Which loss is trained (key `loss`).
    public var loss: Loss
    /// D, the length of an embedding (key `dim`).
    public var dim: Int
    /// k, the number of classes (key `centers`).
    public var centers: Int
    /// l, the classes of a sample that are positive in a step (key `positives`).
    public var positives: Int
    /// q, the classes that are stored for a sample; l of them are drawn anew in each step where q
    /// is greater (key `stored`).
    public var stored: Int
    /// gamma, what a cosine is multiplied by (key `scale`).
    public var scale: Double
    /// m, the margin: an angle in radians, for `cosface` a cosine (key `margin`).
    public var margin: Double
    /// How the margin is differentiated (key `derivative`).
    public var derivative: Derivative
    /// tau: a single-label loss gives negatives of a higher cosine logit 0 and no gradient; 0
    /// switches that off (key `filter`).
    public var filter: Double
    /// r, the share of all classes that is drawn in a step (key `rate`).
    public var rate: Double
    /// How the rows of the table move (section `table`).
    public var table: MLCDTableSettings
    /// Where the classes of the images come from (key `labels`, or else section `clustering`).
    public var labels: MLCDLabelSource

    /// Reads the section; mistakes are recorded in its document.
    ///
    /// - Parameter optimizer: the network's optimizer, whose constants are the table's defaults.
    init(from section: Section, optimizer: OptimizerSettings) {
        loss = section.choice("loss", default: .mlcd)
        dim = section.int("dim", in: 1...8192, default: 128)
        centers = section.int("centers", in: 2...100_000_000)
        positives = section.int("positives", in: 1...1024, default: loss.isSingleLabel ? 1 : 8)
        stored = section.int("stored", in: 1...1024, default: positives)
        scale = section.positiveFloat(
            "scale", upTo: Double(ClassificationSettings.scaleMax), default: 64)
        let margin = loss == .cosface ? 0.4 : 0.3  // sheet 2.4; InsightFace's CosFace
        self.margin = section.float("margin", in: 0...Self.marginMax(loss), default: margin)
        derivative = section.choice("derivative", default: .straight)
        filter = section.float("filter", in: 0...1, default: 0)
        rate = section.positiveFloat("rate", upTo: 1, default: 0.1)
        table = MLCDTableSettings(from: section.sub("table"), optimizer: optimizer)
        // Free: what decides bits is the file's content, which a run keeps from its first start on.
        if let path = section.optionalString("labels", .free) {
            labels = .file(path)
        } else {
            labels = .clustering(MLCDClusteringSettings(from: section.sub("clustering")))
        }
        checkTogether(section)
    }

    private static func marginMax(_ loss: Loss) -> Double { loss == .cosface ? 1 : 3.14 }

    private func checkTogether(_ section: Section) {
        if loss.isSingleLabel, positives != 1 {
            section.reject(
                "positives", "is \(positives), but \(loss.rawValue) has one positive a sample",
                allowed: "1")
        }
        if stored < positives {
            section.reject(
                "stored", "is \(stored), less than the \(positives) positives of a step",
                allowed: "at least positives")
        }
        if stored >= centers {
            section.reject(
                "centers", "\(centers) classes, of which each sample stores \(stored)",
                allowed: "more than stored")
        }
        if filter > 0, !loss.isSingleLabel {
            section.reject(
                "filter", "belongs to the single-label losses", allowed: "0 for \(loss.rawValue)")
        }
    }

    /// The loss with its constants.
    var classification: ClassificationSettings {
        var settings = ClassificationSettings(
            kind: .mlcd, scale: Float(scale), angularMargin: 0, additiveMargin: 0,
            filter: Float(filter), exactMarginDerivative: derivative == .exact)
        switch loss {
        case .mlcd: settings.kind = .mlcd
        case .mlc: settings.kind = .mlc
        case .arcface, .cosface: settings.kind = .softmax
        }
        if loss == .cosface {
            settings.additiveMargin = Float(margin)
        } else {
            settings.angularMargin = Float(margin)
        }
        return settings
    }
}

/// The section `mlcd.table`: how drawn rows move (sheet section 2.5, the "rows" way).
public struct MLCDTableSettings: Hashable, Sendable {
    /// The update rule with its constants.
    ///
    /// Keys `optimizer`, `weightDecay`, `momentum`, `beta1`, `beta2`, `epsilon`; the network's by
    /// default, except AdamW's betas .9 and .999.
    public var rule: UpdateRule
    /// The table's learning rate is this times the network's (key `learningRateFactor`).
    public var learningRateFactor: Double

    init(from section: Section, optimizer: OptimizerSettings) {
        let kind: OptimizerSettings.Kind = section.choice("optimizer", default: optimizer.kind)
        let decay = kind == optimizer.kind ? optimizer.weightDecay : kind == .adamw ? 0.05 : 0.0005
        learningRateFactor = section.float("learningRateFactor", in: 0...1000, default: 1)
        let weightDecay = section.float("weightDecay", in: 0...10, default: decay)
        switch kind {
        case .adamw:
            rule = .adamW(
                AdamW(
                    beta1: section.float("beta1", in: 0...0.999_999, default: 0.9),
                    beta2: section.float("beta2", in: 0...0.999_999_9, default: 0.999),
                    epsilon: section.positiveFloat("epsilon", upTo: 1, default: 1e-8),
                    weightDecay: weightDecay))
        case .sgd:
            let momentum = section.float("momentum", in: 0...0.999_999, default: 0.9)
            rule = .sgd(SGDMomentum(momentum: momentum, weightDecay: weightDecay))
        }
    }
}

/// Where the classes of the images come from.
public enum MLCDLabelSource: Hashable, Sendable {
    /// A clustering of the images, made before training begins.
    case clustering(MLCDClusteringSettings)
    /// A file that `pleiad cluster` wrote, with a row of labels for every image, in order.
    case file(String)
}

/// The section `mlcd.clustering`: what is clustered, and how (sheet section 2.1).
public struct MLCDClusteringSettings: Hashable, Sendable {
    /// What is clustered.
    public enum Features: String, CaseIterable, Hashable, Sendable {
        /// The pixels of the plain images.
        case pixels
        /// A file of features, one row an image: `.npy` or safetensors.
        case file
    }

    /// What is clustered (key `features`).
    public var features: Features
    /// The file of features; nil for pixels (key `path`).
    public var path: String?
    /// Side of the squares over which pixels are averaged before (key `pooling`).
    ///
    /// 1 keeps every pixel; the cost is divided by the square.
    public var pooling: Int
    /// Whether centers are of unit length and the largest inner product wins (key `spherical`).
    public var spherical: Bool
    /// Whether the mean is subtracted before features are brought to unit length (key `centered`).
    public var centered: Bool
    /// T, the iterations of Lloyd (key `iterations`).
    public var iterations: Int
    /// The seed of the first centers and of splits (key `seed`).
    public var seed: UInt64

    init(from section: Section) {
        features = section.choice("features", default: .pixels)
        path = features == .file ? section.string("path") : nil
        pooling = features == .pixels ? section.int("pooling", in: 1...64, default: 1) : 1
        spherical = section.bool("spherical", default: true)
        centered = section.bool("centered", default: true)
        iterations = section.int("iterations", in: 1...10_000, default: 15)
        seed = section.unsigned("seed", default: 0)
    }
}
