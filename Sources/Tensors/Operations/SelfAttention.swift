import Kernels

/// softmax(Q K^T / sqrt(d)) V for every head, from packed projections.
///
/// - Parameters:
///   - qkv: `[B, T, 3 C]`: query, key and value behind each other, head behind head within each,
///     as timm's `qkv` layer gives them.
///   - heads: divides C; d = C / heads.
///   - isCausal: whether a token attends to itself and the tokens before it alone; what lies
///     behind it has neither weight nor gradient.
/// - Returns: `[B, T, C]`, head behind head. The probabilities are kept for the gradient.
public func selfAttention(_ qkv: Variable, heads: Int, isCausal: Bool = false) -> Variable {
    let shape = qkv.shape
    precondition(
        shape.rank == 3 && heads > 0 && shape[2] % (3 * heads) == 0,
        "selfAttention: projections \(shape) for \(heads) heads")
    let width = shape[2] / 3
    let attention = Attention(
        batch: shape[0], tokens: shape[1], heads: heads, headWidth: width / heads,
        isCausal: isCausal)
    let tape = qkv.tape
    var value = tape.uninitialized(shape.replacing(axis: 2, with: width))
    var probabilities = tape.uninitialized([attention.probabilityCount])
    var scratch = tape.uninitialized([attention.scratchCount])
    var y = value.mutableSpan
    var p = probabilities.mutableSpan
    var s = scratch.mutableSpan
    attention.forward(qkv.value.span, into: &y, probabilities: &p, scratch: &s)
    return tape.record(value, from: qkv) { [qkv = qkv.kept, probabilities] gradient, sums in
        var result = sums.uninitialized(shape)
        var scratch = sums.uninitialized([attention.scratchCount])
        var span = result.mutableSpan
        var s = scratch.mutableSpan
        attention.gradient(
            qkv.value.span, probabilities: probabilities.span, gradient: gradient.span,
            into: &span, scratch: &s)
        sums.add(result, to: qkv.place)
    }
}
