public import Datasets
public import Networks
public import RunFiles
public import Tensors

/// Locked-image tuning (Zhai and others, CVPR 2022): a text tower learns to meet images that are
/// embedded already.
///
/// The image tower is frozen, so its embeddings are read from a file, once, by the coordinator. A
/// worker computes the captions of a slice's images, sends their embeddings z and gets dL/dz. The
/// loss is the symmetric cross-entropy of CLIP over the whole step, with a trained logit scale e^t.
///
/// Settings: `LiTSettings`. A step: `LiTWorker`, `LiTCoordinator`. Loss: `SymmetricContrast`.
public struct LiT: Method {
    /// The name in run files.
    public static let name = "lit"

    /// The one exchange: z for dL/dz.
    ///
    /// A text is compared with all images of the step.
    static let textRound = ExchangeRound(name: "texts", mixesSamples: true)
    /// The step's loss, and the share of images whose own text is the nearest.
    static let sumNames = ["loss", "accuracy"]

    /// The section `lit`.
    public let settings: LiTSettings
    let towers: LiTNetwork

    /// Reads the section `lit`; `network` and `views` have no key.
    public init(sections: RunSections, settings run: RunSettings) {
        settings = LiTSettings(from: sections.method)
        towers = LiTNetwork(settings)
        if run.data.kind != .fashionMNIST {
            sections.method.reject(
                "images",
                "captions name Fashion-MNIST's classes, not those of "
                    + "data.kind \(run.data.kind.rawValue)",
                allowed: "data.kind: fashion-mnist")
        }
    }

    /// The text tower's parameters, then `logit_scale`.
    public var layout: ParameterLayout { towers.layout }

    /// One round.
    public var exchanges: [ExchangeRound] { [Self.textRound] }

    /// Loss and accuracy of the step.
    public var sumNames: [String] { Self.sumNames }

    /// None: the image tower is another run's.
    public var imageNetwork: EmbeddingNetwork? { nil }

    /// Embeddings of texts `[samples, D]` and t `[1]`, finite.
    public func problem(with input: NamedTensors, round: Int, samples: Int) -> String? {
        guard round == 0 else { return "round \(round) of a method with one round" }
        guard input.entries.count == 2, let z = input["z"], let logScale = input["logScale"] else {
            return "tensors \(input.entries.map(\.name)) where z and logScale are expected"
        }
        guard z.shape == [samples, settings.images.dim] else {
            return "z is \(z.shape), expected \(samples) x \(settings.images.dim)"
        }
        guard logScale.shape == [1] else { return "logScale is \(logScale.shape), expected [1]" }
        return z.isFinite && logScale.isFinite ? nil : "z or logScale is not finite"
    }

    /// The worker's part.
    public func makeWorker(dataset: ImageDataset, seed: UInt64) -> any WorkerMethod {
        let captions = FashionCaptions(seed: seed)
        return LiTWorker(network: towers) { work in
            work.samples.map {
                captions.caption(of: $0, in: dataset, dataEpoch: work.dataEpoch)
            }
        }
    }

    /// The coordinator's part.
    public func makeCoordinator(
        dataset: ImageDataset, settings run: RunSettings
    ) -> any CoordinatorMethod {
        LiTCoordinator(settings, dataset: dataset)
    }
}
