internal import Tensors

/// The exchange of methods whose loss is computed at the coordinator: embeddings `z` go there,
/// `dz`, the gradient of the loss by them, and `losses` come back (``AnswerGroup``).
enum EmbeddingExchange {
    /// The round, whose answers go by groups: each needs the sample's embedding and rows of the
    /// table alone.
    static let round = ExchangeRound(name: "embeddings", mixesSamples: false)

    /// What a slice hands over.
    ///
    /// - Parameters:
    ///   - embeddings: z `[b, D]`.
    ///   - keys: `[b, D]`, of methods that compare an embedding with a key of the same image.
    static func input(_ embeddings: Tensor, keys: Tensor? = nil) -> NamedTensors {
        guard let keys else { return NamedTensors(["z": embeddings]) }
        return NamedTensors(["z": embeddings, "keys": keys])
    }

    /// What is wrong with a slice's input, which comes from the wire: nil for embeddings
    /// `[samples, D]`, finite.
    ///
    /// - Parameter hasKeys: whether as many keys come with them.
    static func problem(
        with input: NamedTensors, round: Int, samples: Int, width: Int, hasKeys: Bool = false
    ) -> String? {
        guard round == 0 else { return "round \(round) of a method with one round" }
        let names = hasKeys ? ["keys", "z"] : ["z"]
        guard input.entries.map(\.name).sorted() == names else {
            return "tensors \(input.entries.map(\.name)) where \(names) are expected"
        }
        for (name, tensor) in input.entries.map({ ($0.name, $0.tensor) }) {
            guard tensor.shape == [samples, width] else {
                return "\(name) is \(tensor.shape), expected \(samples) x \(width)"
            }
            guard tensor.isFinite else { return "\(name) is not finite" }
        }
        return nil
    }

    /// dL/dz and losses as a worker finds them in an answer.
    static func values(
        of answer: NamedTensors, embeddings: Shape, terms: Int
    ) throws(EmbeddingExchangeError) -> (dz: Tensor, losses: Tensor) {
        let dz = try required("dz", embeddings, of: answer)
        let losses = try required("losses", [embeddings[0], terms], of: answer)
        return (dz, losses)
    }

    private static func required(
        _ name: String, _ shape: Shape, of answer: NamedTensors
    ) throws(EmbeddingExchangeError) -> Tensor {
        guard let tensor = answer[name] else { throw .missingAnswer(name) }
        guard tensor.shape == shape else {
            throw .wrongAnswer(name: name, found: tensor.shape.dims, wanted: shape.dims)
        }
        return tensor
    }
}

/// What can be wrong with what worker and coordinator hand each other.
public enum EmbeddingExchangeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// An answer lacks a tensor.
    case missingAnswer(String)
    /// A tensor of an answer has another shape.
    case wrongAnswer(name: String, found: [Int], wanted: [Int])
    /// A slice's input to the exchange cannot be used.
    case badInput(slice: Int, problem: String)
    /// An answer group has another number of inputs than slices with samples.
    case wrongInputs(Int, slices: Int)
    /// An answer group is not one of the open step's.
    case wrongSlices(Range<Int>, of: Int)
    /// A step was answered while none is open.
    case noOpenStep
    /// A step was committed that is not open.
    case stepNotOpen(Int)

    /// What, where, and what to do.
    public var description: String {
        switch self {
        case .missingAnswer(let name):
            "the coordinator's answer has no tensor \(name): "
                + "coordinator and worker differ in version"
        case .wrongAnswer(let name, let found, let wanted):
            "the coordinator's answer \(name) is \(found), expected \(wanted): "
                + "coordinator and worker differ in version"
        case .badInput(let slice, let problem):
            "the embeddings of slice \(slice) cannot be used: \(problem)"
        case .wrongInputs(let count, let slices):
            "\(count) inputs came for an answer group of \(slices) slices with samples"
        case .wrongSlices(let slices, let count):
            "slices \(slices) are no answer group of a step of \(count) slices"
        case .noOpenStep: "an answer was asked for, and no step is open"
        case .stepNotOpen(let step): "step \(step) is not open"
        }
    }
}
