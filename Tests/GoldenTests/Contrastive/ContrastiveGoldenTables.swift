import Kernels
import Objectives
import Optimizers
import Tables
import Tensors

/// `bank_update`: the first rows from uniform numbers, and some updates.
func checkBankUpdate(_ golden: GoldenCase) throws {
    let start = MemoryBank.startRows(try golden.tensor("in.uniform"))
    let features = try golden.tensor("in.features")  // [steps, b, D], not normalised
    let images = try golden.lists("in.indices")
    var bank = MemoryBank(
        MemoryBank.Settings(
            rowCount: start.shape[0], dim: start.shape[1],
            momentum: Float(try golden.number("momentum")), seed: 0),
        rows: start)
    var snapshots = bank.allRows.values
    for (step, own) in images.enumerated() {
        let x = features.rows(step..<(step + 1)).reshaped([own.count, start.shape[1]])
        bank.open(step: step)
        // The loss does not matter to the update.
        for group in [1, 0] {
            let range = group == 0 ? 0..<2 : 2..<own.count
            _ = bank.answer(
                group: group, embeddings: x.rows(range), images: Array(own[range]),
                loss: InstanceLoss(.simple), divisor: own.count)
        }
        bank.commit()
        snapshots += bank.allRows.values
    }
    golden.compare("out.bank", snapshots)
}

/// `moco_queue`: a key encoder that follows, queries against key and queue, the ring.
func checkMomentumQueue(_ golden: GoldenCase) throws {
    let query = try golden.tensor("param.w_query")
    var key = try golden.tensor("param.w_key")
    let inputs = try golden.tensor("in.query_key_inputs")  // [steps, query | key, B, inputs]
    let (steps, batch, width) = (inputs.shape[0], inputs.shape[2], inputs.shape[3])
    let rows = try golden.tensor("in.queue")
    var queue = FeatureQueue(
        FeatureQueue.Settings(
            rowCount: rows.shape[0], dim: rows.shape[1], seed: 0, threads: 2),
        rows: rows, pointer: try golden.integers("in.pointer")[0])
    let momentum = try golden.number("key_momentum")
    let loss = InstanceLoss(
        .contrastive, temperature: Float(try golden.number("tau")), epsilon: 0)
    let flat = inputs.reshaped([2 * steps, batch, width])
    var losses: [Double] = []
    var (gradients, keys, queues, pointers) = ([Float](), [Float](), [Float](), [Int]())
    for step in 0..<steps {
        let x = flat.rows((2 * step)..<(2 * step + 1)).reshaped([batch, width])
        let y = flat.rows((2 * step + 1)..<(2 * step + 2)).reshaped([batch, width])
        moveAverage(&key, toward: query, momentum: momentum)
        let (z, unitKeys) = (product(x, query), product(y, key))
        queue.open()
        var dz: [Float] = []
        var sum = 0.0
        var answers: [FeatureQueue.Answer?] = [nil, nil]
        for group in [1, 0] {
            let range = group == 0 ? 0..<1 : 1..<batch
            answers[group] = queue.answer(
                group: group, embeddings: z.rows(range), keys: unitKeys.rows(range), loss: loss,
                divisor: batch)
        }
        for answer in answers.compactMap(\.self) {
            dz += answer.gradient.values
            sum += answer.losses.reduce(0) { $0 + Double($1) }
        }
        queue.commit()
        losses.append(sum / Double(batch))
        gradients += weightGradient(Tensor(dz, shape: z.shape), x).values
        keys += key.values
        queues += queue.allRows.values
        pointers.append(queue.pointer)
    }
    golden.compare("out.loss", losses)
    golden.compare("grad.param.w_query", gradients)
    golden.compare("out.w_key", keys)
    golden.compare("out.queue", queues)
    golden.compare("out.pointer", integers: pointers)
}

/// x W^T.
private func product(_ x: Tensor, _ weight: Tensor) -> Tensor {
    var result = Tensor(zeros: [x.shape[0], weight.shape[0]])
    var span = result.mutableSpan
    sgemm(
        transB: .transposed, m: x.shape[0], n: weight.shape[0], k: x.shape[1], a: x.span,
        b: weight.span, c: &span)
    return result
}

/// dL/dW = dz^T x.
private func weightGradient(_ dz: Tensor, _ x: Tensor) -> Tensor {
    var result = Tensor(zeros: [dz.shape[1], x.shape[1]])
    var span = result.mutableSpan
    sgemm(
        transA: .transposed, m: dz.shape[1], n: x.shape[1], k: x.shape[0], a: dz.span, b: x.span,
        c: &span)
    return result
}

/// `schedules`: the rates of pre-training and of the linear classifier, by epoch.
func checkContrastiveSchedules(_ golden: GoldenCase) throws {
    let pretraining = LearningRateSchedule(
        .multiStep(milestones: [160, 190, 200], factor: 0.1), base: 0.03, total: 201)
    golden.compare(
        "out.pretrain_lr",
        try golden.integers("in.pretrain_epoch").map { pretraining.rate(at: $0) })
    // Once an epoch is above 40, 60, 80, counted from 1.
    let linear = LearningRateSchedule(
        .multiStep(milestones: [41, 61, 81], factor: 0.2), base: 30, total: 101)
    golden.compare(
        "out.linear_lr", try golden.integers("in.linear_epoch").map { linear.rate(at: $0) })
}
