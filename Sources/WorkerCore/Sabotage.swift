import Optimizers
import Storage
import Tensors

/// Wrong bits that a test has a real worker compute, by its name: `PLEIAD_FAILPOINT` in the
/// environment, for tests alone.
///
/// `NAME.result:N` makes a number of its Nth result none. `NAME.input:N` flips the lowest bit of a
/// number of its Nth exchange input, and kills the process once the answer is there: what memory
/// that goes bad may do.
struct Sabotage: Sendable {
    /// The worker's name.
    let worker: String

    /// The result, or a spoiled one.
    func result(_ result: SliceResult) -> SliceResult {
        guard FailPoint.isTime("\(worker).result") else { return result }
        var spoiled = result
        spoiled.gradient = changed(result.gradient) { _ in .nan }
        return spoiled
    }

    /// The input, or a spoiled one.
    func input(_ input: NamedTensors) -> (tensors: NamedTensors, isSpoiled: Bool) {
        guard FailPoint.isTime("\(worker).input"), let first = input.entries.first else {
            return (input, false)
        }
        var spoiled = NamedTensors()
        spoiled.append(
            first.name, changed(first.tensor) { Float(bitPattern: $0.bitPattern ^ 1) })
        for entry in input.entries.dropFirst() { spoiled.append(entry.name, entry.tensor) }
        return (spoiled, true)
    }

    /// A copy in which the first number is another.
    private func changed(_ tensor: Tensor, _ change: (Float) -> Float) -> Tensor {
        var values = tensor.values
        if let first = values.first { values[0] = change(first) }
        return Tensor(values, shape: tensor.shape)
    }
}
