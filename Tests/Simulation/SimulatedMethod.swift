import CoordinatorCore
import Identity
import Messages
import Optimizers
import Tensors
import Wire

/// A training method of a few floats, in which every order shows: which version and which answers
/// a slice was computed with, how gradients were added, which inputs and rows entered the table.
struct SimulatedMethod {
    /// Floats of a version.
    static let width = 3

    let plan: Plan

    /// A number between 0 and 1 that depends on all of these.
    private func number(_ parts: Int...) -> Float {
        var word = plan.seed
        for part in parts { word = Chance.mixed(word ^ UInt64(bitPattern: Int64(part))) }
        return Float(word >> 40) * 0x1p-24
    }

    /// What a slice sends to a round.
    func input(_ task: SliceTask, round: Int, version: [Float], answers: [[Float]]) -> [Float] {
        let first = number(1, task.step.index, task.slice.index, round) + version[0] * 0.37
        return [first + (answers.last?[0] ?? 0) * 0.21, version[1] * first]
    }

    /// What a slice gets from a round: a sum over its group, and its row of the table.
    func answers(group inputs: [[Float]], slices: [Int], table: [Float]) -> [[Float]] {
        var sum: Float = 0
        for input in inputs { sum = sum * 0.7 + input[0] - input[1] }
        return slices.map { [sum + table[$0]] }
    }

    /// What a slice gives to its step.
    func result(_ task: SliceTask, version: [Float], answers: [[Float]]) -> SliceResult {
        let heard = answers.reduce(Float(0)) { $0 * 0.6 + $1[0] }
        let gradient = (0..<Self.width).map { index in
            number(2, task.step.index, task.slice.index, index) * 3 - 1 + version[index] * 0.11
                + heard * 0.05
        }
        var rows = NamedTensors()
        rows.append("keys", Tensor([gradient[0], heard], shape: [1, 2]))
        return SliceResult(
            gradient: Tensor(gradient, shape: [Self.width]),
            statistics: Tensor([gradient[1]], shape: [1]),
            sums: [SliceResult.Sum(name: "loss", value: Double(gradient[2]) / 3)], rows: rows)
    }
}

extension Chance {
    /// A word in which every bit of another one shows.
    static func mixed(_ word: UInt64) -> UInt64 {
        var chance = Chance(seed: word)
        return chance.next()
    }
}

/// What the run has learnt after some steps.
struct SimulatedState: Equatable {
    /// Steps that are in it.
    var committed = 0
    /// The parameters.
    var version: [Float] = [0.5, -0.25, 0.125]
    /// A row for every slice, from exchange inputs.
    var table: [Float]
    /// The optimizer's scalar, and rows of results in slice order.
    var memory: [Float] = [0, 0]

    /// The state before the first step.
    init(slices: Int) { table = Array(repeating: 0, count: slices) }

    /// The state after one more step.
    mutating func commit(_ total: SliceResult, inputs: [(slice: Int, input: [Float])]) {
        let gradient = total.gradient.values
        for index in version.indices { version[index] -= 0.05 * gradient[index] }
        memory[0] = memory[0] * 0.9 + total.statistics.values[0] + Float(total.sums[0].value)
        for row in total.rows.entries {
            for value in row.tensor.values { memory[1] = memory[1] * 0.8 + value }
        }
        for (slice, input) in inputs { table[slice] = table[slice] * 0.5 + input[0] + input[1] }
        committed += 1
    }

    /// Digest of the version, which names it.
    var versionDigest: Digest {
        Messages.digest(of: [WireTensor(name: "version", floats: version)])
    }

    /// Digest of everything.
    var digest: Digest {
        Messages.digest(of: [
            WireTensor(name: "version", floats: version), WireTensor(name: "table", floats: table),
            WireTensor(name: "memory", floats: memory),
            WireTensor(name: "committed", floats: [Float(committed)]),
        ])
    }
}

extension WireTensor {
    /// Floats as they travel.
    init(name: String, floats: [Float]) {
        self.init(name: name, tensor: Tensor(floats, shape: [floats.count]))
    }
}
