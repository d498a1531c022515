import Identity
import Messages
import Methods
import Optimizers

/// What a worker knows of a run once it holds run file and data.
struct PreparedRun: Sendable {
    var method: any WorkerMethod
    /// Slices of a step.
    var slices: Int
    /// The seed of the run file, which every lease names too.
    var seed: UInt64
    var configDigest: Digest
    var dataDigest: Digest
    /// What gradients are rounded to.
    var gradientPrecision = GradientPrecision.f32
    /// Whether results of siblings are added up before they are sent; rows alone, which sums only
    /// make longer, go as they are.
    var isSumming = true
}

/// Makes a worker ready for the run that it was welcomed to.
///
/// Runs outside the cooperative pool.
protocol Preparation: Actor {
    /// Hash of the bits of the numerics canary.
    func fingerprint() throws -> Digest
    /// Run file and data. Throws a `Refusal` or any error with a sentence.
    func prepare(_ welcome: Welcome) throws -> PreparedRun
}
