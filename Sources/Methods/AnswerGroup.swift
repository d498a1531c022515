internal import Tensors

/// Slices of a step whose embeddings are answered together at the coordinator.
///
/// Those of a short last batch may hold no samples, and send nothing.
struct AnswerGroup<Sample: Sendable>: Sendable {
    /// The samples of the group, slice after slice.
    let samples: [Sample]
    /// The slices that hold samples, in order.
    let filled: [FilledSlice]

    /// The group of these slices.
    ///
    /// - Parameter samples: those of every slice of the step.
    init(_ slices: Range<Int>, of samples: [[Sample]]) {
        var first = 0
        filled = slices.filter { !samples[$0].isEmpty }.map { number in
            let rows = first..<(first + samples[number].count)
            first = rows.upperBound
            return FilledSlice(number: number, rows: rows)
        }
        self.samples = slices.flatMap { samples[$0] }
    }

    /// What the slices handed over, slice after slice: embeddings z `[n, D]`, or keys.
    ///
    /// - Parameters:
    ///   - inputs: of the filled slices, in order.
    ///   - name: of the tensor.
    func joined(
        _ inputs: [NamedTensors], name: String = "z", width: Int
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

    /// The answer to each filled slice: its own rows.
    ///
    /// - Parameters:
    ///   - gradient: dL/dz `[n, D]` of the group.
    ///   - losses: `[n, terms]` of the group.
    func answers(gradient: Tensor, losses: Tensor) -> [NamedTensors] {
        filled.map {
            NamedTensors(["dz": gradient.rows($0.rows), "losses": losses.rows($0.rows)])
        }
    }
}

/// A slice of an answer group that holds samples.
struct FilledSlice: Hashable, Sendable {
    /// The slice, counted from 0.
    var number: Int
    /// Where its samples lie among those of the group.
    var rows: Range<Int>
}
