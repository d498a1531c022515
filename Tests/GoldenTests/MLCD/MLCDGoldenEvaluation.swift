import Evaluation
import Objectives
import Tensors

/// `knn`: votes of weights that are a softmax over the largest neighbour count.
func checkNearestNeighbours(_ golden: GoldenCase) throws {
    let labels = try golden.integers("in.train_labels")
    let truth = try golden.integers("in.test_labels")
    let neighbours = try golden.numbers("neighbours")
    let classCount = try golden.dims("out.votes_\(neighbours[0])")[1]
    let votes = NearestNeighbourVotes(
        bank: try golden.tensor("in.train"), bankLabels: labels,
        queries: try golden.tensor("in.test"), neighbours: neighbours,
        temperature: Float(try golden.number("temperature")), classCount: classCount, threads: 2)
    for (index, count) in neighbours.enumerated() {
        golden.compare("out.votes_\(count)", votes.votes[index])
        golden.compare("out.top1_\(count)", votes.accuracy(truth, top: 1, neighbours: index))
        golden.compare(
            "out.top3_\(count)",
            torchTopAccuracy(votes.votes[index], classCount: classCount, labels: truth, top: 3))
        checkTopThree(golden, votes, index, truth)
    }
}

/// Our own top-3 figure, whose order of equal votes is another: it lies between counting ties
/// against the true class and for it, which is one number where nothing is tied.
private func checkTopThree(
    _ golden: GoldenCase, _ votes: NearestNeighbourVotes, _ index: Int, _ truth: [Int]
) {
    var (least, most) = (0, 0)
    for (query, label) in truth.enumerated() {
        let row = votes.votes[index][(query * votes.classCount)..<((query + 1) * votes.classCount)]
        let own = row[row.startIndex + label]
        if row.count(where: { $0 > own }) < 3 { most += 1 }
        if row.count(where: { $0 >= own }) <= 3 { least += 1 }
    }
    let range = Double(least) / Double(truth.count)...Double(most) / Double(truth.count)
    let mine = votes.accuracy(truth, top: 3, neighbours: index)
    if !range.contains(mine) { golden.fail("top 3 accuracy \(mine) lies outside \(range)") }
}

/// `linear_probe`: the objective at a given start, its minimum, and metrics of the classifier.
func checkLinearProbe(_ golden: GoldenCase) throws {
    let (train, test) = (try golden.tensor("in.train"), try golden.tensor("in.test"))
    let labels = try golden.integers("in.train_labels")
    let truth = try golden.integers("in.test_labels")
    let (start, weight) = (try golden.floats("in.start_weight"), try golden.number("C"))
    let classCount = try golden.dims("in.start_weight")[0]

    let problem = SoftmaxRegression(
        samples: train, labels: labels, classCount: classCount, weight: weight, threads: 2)
    let bias = [Double](repeating: 0, count: classCount)
    let (value, gradient) = problem(start.map(Double.init) + bias)
    golden.compare("out.start_loss", value)
    golden.compare("grad.start_weight", Array(gradient[..<start.count]))
    golden.compare("grad.start_bias", Array(gradient[start.count...]))

    let probe = LinearProbe(
        samples: train, labels: labels, classCount: classCount, weight: weight, threads: 2)
    golden.compare("out.weight", probe.weights)
    golden.compare("out.bias", probe.bias)
    golden.compare("out.loss", probe.objective)
    let logits = probe.logits(of: test)
    golden.compare("out.test_logits", logits)
    golden.compare(
        "out.accuracy", topAccuracy(logits, classCount: classCount, labels: truth))
    golden.compare(
        "out.mean_per_class",
        meanPerClassAccuracy(logits, classCount: classCount, labels: truth))
    golden.compare(
        "out.mean_top1_top2",
        meanOfTopAccuracies(logits, classCount: classCount, labels: truth, top: 2))
    golden.compare(
        "out.map11",
        elevenPointMeanAveragePrecision(logits, classCount: classCount, labels: truth))
    golden.compare(
        "out.roc_auc_class0",
        areaUnderROC(
            truth.indices.map { logits[$0 * classCount] }, truth: truth.map { $0 == 0 }))
}

/// `retrieval`: the nearest other image, and whether it has the same label.
func checkRetrieval(_ golden: GoldenCase) throws {
    let retrieval = ImageRetrieval(features: try golden.tensor("in.features"), threads: 2)
    golden.compare("out.nearest", integers: retrieval.neighbours.map(Int.init))
    golden.compare("out.recall_at_1", retrieval.recall(try golden.integers("in.labels"), at: 1))
}

/// `zero_shot`: the head of prompts, its classification, and retrieval of captions both ways.
func checkZeroShot(_ golden: GoldenCase) throws {
    let prompts = try golden.tensor("in.prompt_embeddings")
    let (classes, count, d) = (prompts.shape[0], prompts.shape[1], prompts.shape[2])
    let flat = prompts.reshaped([classes * count, d])
    let head = ZeroShotHead(
        prompts: (0..<classes).map { flat.rows(($0 * count)..<(($0 + 1) * count)) })
    golden.compare("out.head", head.weights)
    let images = try golden.tensor("in.images")
    golden.compare("out.logits", head.logits(of: images))
    golden.compare("out.top1", head.accuracy(of: images, try golden.integers("in.labels")))

    let texts = try golden.tensor("in.texts")
    let perImage = try golden.count("captions_per_image")
    let depths = try golden.numbers("recall_at")
    let retrieval = CaptionRetrieval(
        images: images, captions: texts, owners: (0..<texts.shape[0]).map { $0 / perImage },
        depth: depths.max() ?? 1, threads: 2)
    golden.compare("out.image_to_text", depths.map { retrieval.imageToText(at: $0) })
    golden.compare("out.text_to_image", depths.map { retrieval.textToImage(at: $0) })
}

/// `lit*`: the symmetric loss with its clamped scale; the image encoder is frozen.
func checkSymmetricContrast(_ golden: GoldenCase) throws {
    let tape = Tape()
    let texts = tape.leaf(try golden.tensor("in.text"))
    let logScale = tape.leaf(try golden.tensor("in.log_scale"))
    let contrast = SymmetricContrast(
        images: tape.constant(try golden.tensor("in.image")), texts: texts, logScale: logScale,
        scaleMax: Float(try golden.number("maximum")))
    golden.compare("out.logit_scale", Double(contrast.scale))
    golden.compare("out.loss", contrast.loss.value)
    let gradients = tape.gradients(of: [(contrast.loss, Tensor(1))], for: [texts, logScale])
    golden.compare("grad.text", gradients[0])
    golden.compare("grad.log_scale", gradients[1])
}
