internal import Tensors

/// The exchange of methods whose loss is computed at the coordinator: embeddings `z` go there,
/// `dz`, the gradient of the loss by them, and `losses` come back.
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

    /// A slice of an answer group that holds samples.
    struct FilledSlice: Hashable {
        /// The slice, counted from 0.
        var number: Int
        /// Where its samples lie among those of the group.
        var rows: Range<Int>
    }

    /// The slices of an answer group that hold samples, in order: those of a short last batch may
    /// hold none, and send nothing.
    ///
    /// - Parameter samples: what belongs to the samples of every slice of the step.
    static func filled<Samples>(
        _ slices: Range<Int>, of samples: [[Samples]]
    ) -> [FilledSlice] {
        var first = 0
        return slices.filter { !samples[$0].isEmpty }.map { number in
            let rows = first..<(first + samples[number].count)
            first = rows.upperBound
            return FilledSlice(number: number, rows: rows)
        }
    }

    /// The embeddings of an answer group, slice after slice: z `[n, D]`, or its keys.
    ///
    /// - Parameters:
    ///   - inputs: of these slices, in order.
    ///   - name: of the tensor.
    static func joined(
        _ inputs: [NamedTensors], of filled: [FilledSlice], name: String = "z", width: Int
    ) throws(EmbeddingExchangeError) -> Tensor {
        guard inputs.count == filled.count else {
            throw .wrongInputs(inputs.count, slices: filled.count)
        }
        var z = Tensor(zeros: [0, width])
        for (input, slice) in zip(inputs, filled) {
            guard let part = input[name], part.shape == [slice.rows.count, width] else {
                let found = input.entries.map { "\($0.name) \($0.tensor.shape)" }
                throw .badInput(
                    slice: slice.number,
                    problem: "\(found), expected \(name) \(slice.rows.count) x \(width)")
            }
            z = z.concatenatedRows(with: part)
        }
        return z
    }

    /// The answer to each slice of a group: its own rows.
    ///
    /// - Parameters:
    ///   - gradient: dL/dz `[n, D]` of the group.
    ///   - losses: `[n, terms]` of the group.
    static func answers(
        gradient: Tensor, losses: Tensor, to filled: [FilledSlice]
    ) -> [NamedTensors] {
        filled.map {
            NamedTensors(["dz": gradient.rows($0.rows), "losses": losses.rows($0.rows)])
        }
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
        }
    }
}
