import Networks
import Optimizers
import Tables
import Tensors

@testable import Methods

/// Images are features already: the head is the reference's whole network.
private struct NoEncoder: Encoder {
    let featureWidth: Int

    func callAsFunction(_ images: Variable, _ pass: ForwardPass) -> Variable { images }
}

/// `steps_*`: whole training steps through worker and coordinator, in several slices and answer
/// groups and in one; the suffix names the loss.
func checkContrastiveSteps(_ golden: GoldenCase) async throws {
    let weight = try golden.tensor("param.weight")  // [D, inputs]
    let inputs = try golden.tensor("in.inputs")  // [steps, B, inputs]
    let images = try golden.lists("in.indices")
    let network = EmbeddingNetwork(
        NoEncoder(featureWidth: weight.shape[1]), layout: ParameterLayout(),
        embeddingWidth: weight.shape[0])
    let coordinator = try stepsCoordinator(golden)
    // A step's images are its inputs in batch order, whatever their rows in the bank.
    let (batch, width) = (inputs.shape[1], inputs.shape[2])
    let flat = inputs.reshaped([inputs.shape[0] * batch, width])
    var harness = ContrastiveHarness(
        worker: EmbeddingWorker(network) { work, _ in
            flat.rows(
                at: work.samples.map { sample in
                    work.step * batch + (images[work.step].firstIndex(of: sample) ?? 0)
                })
        },
        coordinator: coordinator,
        version: VersionTensors(
            parameters: network.layout.parameters.gathered([weight]), buffers: Tensor(zeros: [0])),
        optimizer: ParameterOptimizer(
            .sgd(
                SGDMomentum(
                    momentum: try golden.number("sgd_momentum"),
                    weightDecay: try golden.number("weight_decay"))),
            parameterCount: network.layout.flatCount))
    try await train(golden, network.layout, images, &harness)
}

private func train(
    _ golden: GoldenCase, _ layout: ParameterLayout, _ images: [[Int]],
    _ harness: inout ContrastiveHarness
) async throws {
    let rate = try golden.number("lr")
    var losses: [Double] = []
    var (gradients, weights, banks) = ([Float](), [Float](), [Float]())
    for (step, batch) in images.enumerated() {
        // Three slices of unequal size in two groups; every other step as one slice.
        let isWhole = step % 2 == 1
        let cuts =
            isWhole ? [0, batch.count] : [0, batch.count / 4, batch.count / 2, batch.count]
        let samples = zip(cuts, cuts.dropFirst()).map { Array(batch[$0..<$1]) }
        try harness.coordinator.open(step: step, samples: samples)
        let computed = try await harness.compute(
            step: step, samples: samples, groups: isWhole ? [0..<1] : [0..<2, 2..<3],
            order: isWhole ? [0] : [1, 0])
        losses.append(computed.result.sums[0].value)
        gradients += layout.view(of: computed.result.gradient, 0).values
        try harness.commit(step: step, rate: rate, result: computed.result)
        weights += layout.view(of: harness.version.parameters, 0).values
        banks += harness.coordinator.bank.allRows.values
    }
    golden.compare("out.loss", losses)
    golden.compare("grad.param.weight", gradients)
    golden.compare("out.weight", weights)
    golden.compare("out.bank", banks)
}

private func stepsCoordinator(_ golden: GoldenCase) throws -> ContrastiveCoordinator {
    let rows = try golden.tensor("in.bank")
    let losses = [
        "contrastive": "contrastive", "simple": "simple", "hard": "hard",
        "hardsimple": "hard-simple",
    ]
    let suffix = golden.name.split(separator: "_").dropFirst().first.map { String($0) } ?? ""
    guard let loss = losses[suffix] else { throw GoldenError.unknownVariant(golden.name) }
    var lines = [
        "loss: \(loss)", "dim: \(rows.shape[1])",
        "momentum: \(try golden.number("bank_momentum"))",
    ]
    if suffix.hasPrefix("hard") { lines.append("hardest: \(try golden.count("k"))") }
    if suffix == "hard" || suffix == "contrastive" {
        lines.append("temperature: \(try golden.number("tau"))")
    }
    let plan = try RunPlan(
        text: """
            method: contrastive
            steps: 10
            batch: {samples: 4, slices: 1}
            network: {kind: conv}
            contrastive: {\(lines.joined(separator: ", "))}
            """, file: "run.yaml")
    guard let method = plan.method as? Contrastive else {
        throw GoldenError.unknownVariant("\(type(of: plan.method))")
    }
    return ContrastiveCoordinator(
        method.settings, dataset: blankImages(rows.shape[0]), seed: 0, rows: rows)
}
