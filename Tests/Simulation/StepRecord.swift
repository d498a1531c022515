import CoordinatorCore
import Identity
import Storage

/// A committed step in the simulated ledger.
struct StepRecord: Equatable {
    /// The step.
    var step: Int
    /// Digest of the version that it was computed with.
    var version: String
    /// Digest of the summed result.
    var gradient: String
    /// Digest of the state that it led to.
    var next: String
    /// Digest of every slice's result, in order.
    var leaves: [String]

    /// The record as a line of the ledger.
    var json: JSONValue {
        [
            "step": .integer(Int64(step)), "version": .string(version),
            "gradient": .string(gradient), "next": .string(next),
            "leaves": .array(leaves.map { .string($0) }),
        ]
    }

    /// A record of these values.
    init(step: Int, version: Digest, gradient: Digest, next: Digest, leaves: [Digest]) {
        self.step = step
        self.version = version.hex
        self.gradient = gradient.hex
        self.next = next.hex
        self.leaves = leaves.map(\.hex)
    }

    /// The record of a line, or nil if the line is something else.
    init?(json: JSONValue) {
        guard let step = json["step"]?.integer, let version = json["version"]?.string,
            let gradient = json["gradient"]?.string, let next = json["next"]?.string,
            let leaves = json["leaves"]?.array
        else { return nil }
        self.step = Int(step)
        self.version = version
        self.gradient = gradient
        self.next = next
        self.leaves = leaves.compactMap(\.string)
    }
}
