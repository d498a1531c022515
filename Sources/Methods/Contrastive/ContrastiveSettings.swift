public import Networks
public import Objectives
internal import RunFiles

/// The section `contrastive` of a run file (sheet contrastive, section 2).
public struct ContrastiveSettings: Hashable, Sendable {
    /// What an anchor is compared with, and how.
    public enum Loss: String, CaseIterable, Hashable, Sendable {
        /// The softmax over all rows: `insd` of the authors' code, equation 1.
        case contrastive
        /// Linear in all rows: `flatloss`, equation 3.
        case simple
        /// The softmax over the nearest rows: `hardneg`, equation 9.
        case hard
        /// Linear in the nearest rows: `hardflatloss`.
        case hardSimple = "hard-simple"
        /// The nearest row alone: `singleloss`, equation 6.
        case extreme
        /// Binary noise-contrastive estimation over drawn rows (Wu et al.).
        case nce
        /// The softmax over drawn rows.
        case infoNCE = "info-nce"
        /// The softmax over the key of another view and a queue of earlier keys (He et al., MoCo).
        case moco

        /// Whether an anchor draws the rows that it is compared with.
        var isDrawn: Bool { self == .nce || self == .infoNCE }

        /// Whether an anchor is compared with the nearest rows.
        var isHard: Bool { self == .hard || self == .hardSimple }

        /// Whether it has no temperature.
        var isLinear: Bool { self == .simple || self == .hardSimple || self == .extreme }

        /// The loss over all rows, where it is one.
        var overAllRows: InstanceLoss.Kind? {
            switch self {
            case .contrastive: .contrastive
            case .simple: .simple
            case .hard: .hard
            case .hardSimple: .hardSimple
            case .extreme: .extreme
            case .nce, .infoNCE, .moco: nil
            }
        }
    }

    /// Which loss is trained (key `loss`).
    public var loss: Loss
    /// D, the length of an embedding (key `dim`).
    public var dim: Int
    /// tau of the losses that have one (key `temperature`).
    public var temperature: Double
    /// m, the share of a row that stays when its image comes by (key `momentum`).
    public var momentum: Double
    /// K of the hard losses: the nearest rows, the own row among the candidates (key `hardest`).
    public var hardest: Int
    /// How `hard` treats the own row (key `form`).
    public var form: InstanceLoss.Form
    /// K of the drawn losses: rows that an anchor draws (key `negatives`).
    public var negatives: Int

    /// K of `moco`: keys in the queue (key `queue`).
    public var queue: Int
    /// The share of the key encoder that stays in a step (key `keyMomentum`).
    public var keyMomentum: Double

    /// What stands between features and embeddings (keys `head`, `hidden`, `headInitialisation`).
    public var head: HeadSettings

    /// The heads that a run file can name.
    private enum Head: String, CaseIterable {
        /// A linear layer with bias.
        case linear
        /// Two linear layers with a ReLU between.
        case mlp
    }

    /// Reads the section; mistakes are recorded in its document.
    init(from section: Section) {
        loss = section.choice("loss", default: .contrastive)
        dim = section.int("dim", in: 1...8192, default: 128)
        momentum = section.float("momentum", in: 0...0.999_999, default: 0.5)
        head = Self.head(from: section)
        // A key of another loss may stand there, so that one run file serves a sweep over losses,
        // but it decides no bit.
        func kind(_ key: String, ifUsed isUsed: Bool) -> KeyKind? {
            isUsed ? .bits : section.has(key) ? .free : nil
        }
        (temperature, hardest, form, negatives) = (0.07, 4096, .code, 4096)
        (queue, keyMomentum) = (65_536, 0.999)
        if let kind = kind("temperature", ifUsed: !loss.isLinear) {
            temperature = section.float("temperature", in: 0.02...100, default: 0.07, kind)
        }
        if let kind = kind("hardest", ifUsed: loss.isHard) {
            hardest = section.int("hardest", in: 2...100_000_000, default: 4096, kind)
        }
        if let kind = kind("form", ifUsed: loss == .hard) {
            form = section.choice("form", default: .code, kind)
        }
        if let kind = kind("negatives", ifUsed: loss.isDrawn) {
            negatives = section.int("negatives", in: 1...1_048_576, default: 4096, kind)
        }
        if let kind = kind("queue", ifUsed: loss == .moco) {
            queue = section.int("queue", in: 1...100_000_000, default: 65_536, kind)
        }
        if let kind = kind("keyMomentum", ifUsed: loss == .moco) {
            keyMomentum = section.float("keyMomentum", in: 0...0.999_999, default: 0.999, kind)
        }
    }

    private static func head(from section: Section) -> HeadSettings {
        let kind: Head = section.choice("head", default: .linear, .later)
        let firstWeights: HeadSettings.FirstWeights = section.choice(
            "headInitialisation", default: .torch, .later)
        guard kind == .mlp else {
            return HeadSettings(.linear(hasBias: true), firstWeights: firstWeights)
        }
        let hidden = section.int("hidden", in: 1...65_536, default: 512)
        return HeadSettings(.perceptron(hidden: hidden), firstWeights: firstWeights)
    }

    /// The loss over all rows; nil for those over drawn rows.
    var instanceLoss: InstanceLoss? {
        loss.overAllRows.map {
            InstanceLoss($0, temperature: Float(temperature), hardest: hardest, form: form)
        }
    }
}
