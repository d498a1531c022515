import Clustering
import Identity
import Networks
import Optimizers
import Tables
import Tensors

@testable import Methods

/// The reference's encoder before its projection: relu(x W0^T), no bias.
private struct TwoLayerEncoder: Encoder {
    let featureWidth: Int
    private let layer: Linear

    init(_ layout: inout ParameterLayout, inputs: Int, hidden: Int) {
        featureWidth = hidden
        layer = Linear(
            &layout, name: "encoder.0", inputs: inputs, outputs: hidden,
            weight: .torchDefault(fanIn: inputs), bias: nil)
    }

    func callAsFunction(_ images: Variable, _ pass: ForwardPass) -> Variable {
        relu(layer(images, pass))
    }
}

/// `steps_*`: whole training steps through worker and coordinator, in several slices and answer
/// groups, with given draws.
func checkSteps(_ golden: GoldenCase) async throws {
    let images = try golden.tensor("in.images")
    let first = try golden.tensor("param.encoder.0.weight")
    let second = try golden.tensor("param.encoder.2.weight")
    var layout = ParameterLayout()
    let encoder = TwoLayerEncoder(
        &layout, inputs: first.shape[1], hidden: first.shape[0])
    let network = EmbeddingNetwork(encoder, layout: layout, embeddingWidth: second.shape[0])

    let rule = try updateRule(golden)
    let coordinator = try coordinator(golden, rule: rule, imageCount: images.shape[0])
    var harness = StepHarness(
        worker: EmbeddingWorker(network, terms: MLCD.terms) { work, _ in
            images.rows(at: work.samples)
        },
        coordinator: coordinator,
        version: VersionTensors(
            parameters: network.layout.parameters.gathered([first, second]),
            buffers: Tensor(zeros: [0])),
        optimizer: ParameterOptimizer(rule, parameterCount: network.layout.flatCount))
    try await train(golden, network.layout, &harness)

    let parameters = harness.version.parameters
    golden.compare("out.encoder.0.weight", network.layout.view(of: parameters, 0))
    golden.compare("out.encoder.2.weight", network.layout.view(of: parameters, 1))
    golden.compare("out.table", coordinator.table.allRows)
    let moments =
        rule.momentCount == 1 ? ["table_momentum"] : ["table_exp_avg", "table_exp_avg_sq"]
    for (index, name) in moments.enumerated() {
        golden.compare("out.\(name)", coordinator.table.moment(index))
    }
}

private func train(
    _ golden: GoldenCase, _ layout: ParameterLayout, _ harness: inout StepHarness
) async throws {
    let batches = try golden.lists("in.batch")
    let draws = try golden.floats("in.draws")
    let rate = try golden.number("lr")
    let k = draws.count / batches.count
    var losses: [Double] = []
    for (step, batch) in batches.enumerated() {
        // Three slices of unequal size in two groups.
        let cuts = [0, batch.count / 4, batch.count / 2, batch.count]
        let samples = (0..<3).map { Array(batch[cuts[$0]..<cuts[$0 + 1]]) }
        let keys = GivenKeys(Array(draws[(step * k)..<((step + 1) * k)]))
        try harness.coordinator.open(step: step, samples: samples, keys: keys)
        let computed = try await harness.compute(
            step: step, samples: samples, groups: [0..<2, 2..<3], order: [1, 0])
        let draw = harness.coordinator.table.currentDraw
        golden.compare("out.step\(step).index", integers: (draw?.rows ?? []).map(Int.init))
        golden.compare("out.step\(step).grad_z", computed.embeddingGradient)
        if step == 0 {
            let gradient = computed.result.gradient
            golden.compare("grad.encoder.0.weight", layout.view(of: gradient, 0))
            golden.compare("grad.encoder.2.weight", layout.view(of: gradient, 1))
            golden.compare("grad.drawn_rows", harness.coordinator.table.rowGradients())
        }
        losses.append(computed.result.sums[0].value)
        try harness.commit(step: step, rate: rate, result: computed.result)
    }
    golden.compare("out.losses", losses)
}

private func updateRule(_ golden: GoldenCase) throws -> UpdateRule {
    let decay = try golden.number("weight_decay")
    guard golden.name.hasPrefix("steps_adamw") else {
        guard golden.name.hasPrefix("steps_sgd") else {
            throw GoldenError.unknownVariant(golden.name)
        }
        return .sgd(SGDMomentum(momentum: try golden.number("momentum"), weightDecay: decay))
    }
    let betas = try golden.text("betas").split(separator: " ").compactMap { Double($0) }
    guard betas.count == 2 else { throw GoldenError.missingMetadata("betas") }
    return .adamW(
        AdamW(
            beta1: betas[0], beta2: betas[1], epsilon: try golden.number("eps"),
            weightDecay: decay))
}

private func coordinator(
    _ golden: GoldenCase, rule: UpdateRule, imageCount: Int
) throws -> MLCDCoordinator {
    let rows = try golden.tensor("param.table")
    let labels = try golden.integers("in.labels")
    var settings = try mlcdRun(
        """
        centers: \(rows.shape[0])
        dim: \(rows.shape[1])
        positives: \(labels.count / imageCount)
        scale: \(try golden.number("scale"))
        margin: \(try golden.number("margin"))
        rate: \(try golden.number("rate"))
        """
    ).method.settings
    settings.table.rule = rule
    let stored = ClusterLabels(
        perSample: labels.count / imageCount, clusterCount: rows.shape[0],
        labels: labels.map { Int32($0) },
        similarities: Array(repeating: 0, count: labels.count))
    return MLCDCoordinator(
        settings, dataset: blankImages(imageCount), seed: 0,
        labels: MLCDLabels(labels: stored, origin: .zero), rows: rows)
}
