import Foundation
import Networks
import Storage
import Tensors
import Testing

/// A fixture of `make_timm_vit.py`: parameters, inputs, outputs and gradients from elsewhere.
struct ReferenceFixture {
    let file: SafetensorsFile

    init(_ name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        let path = folder.appending(path: "Fixtures/\(name).safetensors").path()
        file = try SafetensorsFile(contentsOf: path)
    }

    /// The flat parameters or buffers of a layout from the tensors `PREFIX.NAME`; every one of
    /// the file must be asked for.
    func flat(_ layout: FlatLayout, prefix: String) throws -> Tensor {
        let asked = layout.entries.map { "\(prefix).\($0.name)" }
        let there = file.names.filter { $0.hasPrefix(prefix + ".") }
        guard asked.sorted() == there.sorted() else {
            throw FixtureMismatch(asked: asked, there: there)
        }
        return layout.gathered(try asked.map { try file.tensor($0) })
    }

    /// Checks that an encoder's features are the reference's in evaluation, with the statistics
    /// that a step of training has left behind.
    func checkEvaluation(
        _ encoder: any Encoder, _ layout: ParameterLayout, tolerance: Float
    ) throws {
        let tape = Tape()
        let pass = ForwardPass(
            layout, parameters: try flat(layout.parameters, prefix: "param"),
            buffers: try flat(layout.bufferLayout, prefix: "out.moved"), tape: tape,
            isTraining: false)
        let features = encoder(tape.constant(try file.tensor("in.images")), pass)
        #expect(try difference(features.value, "out.evaluated") < tolerance)
        #expect(!features.needsGradient, "evaluation keeps nothing for gradients")
    }

    /// What a tensor of the file is to be compared with, and how far it is off.
    func difference(_ mine: Tensor, _ name: String) throws -> Float {
        relativeDifference(mine, try file.tensor(name))
    }
}

/// Names of the file that the network does not have, or the other way round.
struct FixtureMismatch: Error {
    let asked: [String]
    let there: [String]
}

/// The largest difference, relative to the largest magnitude of the reference.
func relativeDifference(_ mine: Tensor, _ reference: Tensor) -> Float {
    guard mine.shape == reference.shape else { return .infinity }
    var (largest, worst): (Float, Float) = (0, 0)
    for (x, y) in zip(mine.values, reference.values) {
        largest = max(largest, abs(y))
        worst = (x - y).isNaN ? .infinity : max(worst, abs(x - y))
    }
    return largest == 0 ? worst : worst / largest
}
