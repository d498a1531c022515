internal import Objectives
internal import RunFiles
public import Tables

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
        /// `arcface` and a draw of its own for each column of labels, added up (the authors' later
        /// trainer).
        case parallel

        /// Whether a sample has one positive class alone.
        public var isSingleLabel: Bool { self == .arcface || self == .cosface }

        /// Whether it is a softmax over all drawn rows.
        public var isSoftmax: Bool { isSingleLabel || self == .parallel }
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
    /// The least cosine between a sample and a class of it (key `threshold`); nil: every sample has
    /// `positives` classes.
    ///
    /// A sample then has all classes that reach it, and the nearest one in any case; `positives` is
    /// how many those may be, which is `stored`.
    public var threshold: Double?
    /// gamma, what a cosine is multiplied by (key `scale`).
    public var scale: Double
    /// m, the margin: an angle in radians, for `cosface` a cosine (key `margin`).
    public var margin: Double
    /// How the margin is differentiated (key `derivative`).
    public var derivative: Derivative
    /// tau: a softmax loss gives negatives of a higher cosine logit 0 and no gradient; 0 switches
    /// that off (key `filter`).
    public var filter: Double
    /// r, the share of all classes that is drawn in a step (key `rate`).
    public var rate: Double
    /// Which drawn rows are negatives (key `negatives`).
    public var negatives: CenterTable.Negatives
    /// F, the coordinates of an embedding that take part in a step; nil: all (key `features`).
    public var features: Int?
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
        threshold = section.optionalFloat("threshold", in: -1...1)
        if threshold == nil {
            let usual = loss.isSingleLabel ? 1 : 8
            positives = section.int("positives", in: 1...1024, default: usual)
            stored = section.int("stored", in: 1...1024, default: positives)
        } else {
            let usual = max(1, min(Self.thresholdLabels, centers - 1))
            stored = section.int("stored", in: 1...1024, default: usual)
            positives = stored
        }
        scale = section.positiveFloat(
            "scale", upTo: Double(ClassificationSettings.scaleMax), default: 64)
        let margin = loss == .cosface ? 0.4 : 0.3  // sheet 2.4; InsightFace's CosFace
        self.margin = section.float("margin", in: 0...Self.marginMax(loss), default: margin)
        derivative = section.choice("derivative", default: .straight)
        let filter = loss == .parallel ? 0.75 : 0  // sheet 2.4
        self.filter = section.float("filter", in: 0...1, default: filter)
        rate = section.positiveFloat("rate", upTo: 1, default: 0.1)
        negatives = section.choice("negatives", default: .drawn, .later)
        let features = section.int("features", in: 0...8192, default: 0, .later)
        self.features = features > 0 && features < dim ? features : nil
        table = MLCDTableSettings(from: section.sub("table"), optimizer: optimizer)
        // Free: what decides bits is the file's content, which a run keeps from its first start on.
        if let path = section.optionalString("labels", .free) {
            labels = .file(path)
        } else {
            labels = .clustering(MLCDClusteringSettings(from: section.sub("clustering")))
        }
        checkTogether(section)
        if features > dim {
            section.reject(
                "features", "\(features) of the \(dim) coordinates of an embedding",
                allowed: "at most dim")
        }
    }

    /// Classes of a sample at most, by default, where a threshold decides how many there are.
    private static let thresholdLabels = 64

    private static func marginMax(_ loss: Loss) -> Double { loss == .cosface ? 1 : 3.14 }

    private func checkTogether(_ section: Section) {
        if loss.isSoftmax, threshold != nil {
            section.reject(
                "threshold",
                "leaves open how many positives a sample has, \(loss.rawValue) has "
                    + (loss.isSingleLabel ? "one" : "a column for each"),
                allowed: "mlcd or mlc as loss")
        } else if loss.isSingleLabel, positives != 1 {
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
        if filter > 0, !loss.isSoftmax {
            section.reject(
                "filter", "belongs to the softmax losses", allowed: "0 for \(loss.rawValue)")
        }
        if negatives == .literal, loss.isSoftmax {
            section.reject(
                "negatives", "\(loss.rawValue) is a softmax over every drawn row",
                allowed: "drawn for \(loss.rawValue)")
        }
    }

    /// The columns of labels that have a draw and a loss of their own.
    var columns: Int { loss == .parallel ? positives : 1 }

    /// The table with its draw and update rule.
    func centerTable(seed: UInt64, threads: Int) -> CenterTable.Settings {
        var settings = CenterTable.Settings(
            rowCount: centers, dim: dim, rate: rate, rule: table.rule, seed: seed,
            threads: threads)
        settings.update = table.update
        settings.clipNorm = table.clipNorm
        settings.negatives = negatives
        settings.features = features
        return settings
    }

    /// The loss with its constants.
    var classification: ClassificationSettings {
        var settings = ClassificationSettings(
            kind: .mlcd, scale: Float(scale), angularMargin: 0, additiveMargin: 0,
            filter: Float(filter), exactMarginDerivative: derivative == .exact)
        switch loss {
        case .mlcd: settings.kind = .mlcd
        case .mlc: settings.kind = .mlc
        case .arcface, .cosface, .parallel: settings.kind = .softmax
        }
        if loss == .cosface {
            settings.additiveMargin = Float(margin)
        } else {
            settings.angularMargin = Float(margin)
        }
        return settings
    }
}
