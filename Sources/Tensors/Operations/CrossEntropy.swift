import Kernels

/// The mean over rows of -ln softmax(logits)[target].
///
/// - Parameters:
///   - logits: `[B, N]`.
///   - targets: for each row a class in 0 ..< N.
///   - divisor: what the sum over rows is divided by; `nil` means B.
/// - Returns: a scalar.
public func crossEntropy(_ logits: Variable, targets: [Int], divisor: Float? = nil) -> Variable {
    precondition(
        logits.shape.rank == 2 && logits.shape[0] == targets.count,
        "crossEntropy: \(targets.count) targets for logits \(logits.shape)")
    let (rows, width) = (logits.shape[0], logits.shape[1])
    precondition(targets.allSatisfy { $0 >= 0 && $0 < width }, "crossEntropy: no such class")
    let divisor = divisor ?? Float(rows)
    var totals = logits.tape.uninitialized([rows])
    var losses = logits.tape.uninitialized([rows])
    var total = totals.mutableSpan
    var loss = losses.mutableSpan
    Rows.logSumExp(logits.value.span, width: width, into: &total)
    for (row, target) in targets.enumerated() {
        loss[row] = total[row] - logits.value.span[row * width + target]
    }
    let value = logits.tape.scalar(Vector.sum(losses.span) / divisor)
    return logits.tape.record(value, from: logits) {
        [logits = logits.kept, totals] gradient, sums in
        // (softmax - one hot) g / divisor
        let scale = gradient.scalar / divisor
        var result = sums.uninitialized(logits.shape)
        var scales = sums.uninitialized([rows])
        var span = result.mutableSpan
        var each = scales.mutableSpan
        Vector.fill(&each, with: scale)
        Rows.logSumExpGradient(
            logits.value.span, totals.span, scales.span, width: width, into: &span)
        for (row, target) in targets.enumerated() { span[row * width + target] -= scale }
        sums.add(result, to: logits.place)
    }
}
