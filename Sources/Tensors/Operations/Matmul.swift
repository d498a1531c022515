import Kernels

/// op(a) op(b) of two matrices, as one matrix product.
///
/// - Parameters:
///   - a: `[m, k]`, or `[k, m]` where it is transposed.
///   - b: `[k, n]`, or `[n, k]` where it is transposed.
/// - Returns: `[m, n]`.
public func matmul(
    _ a: Variable, _ b: Variable, transposeA: Bool = false, transposeB: Bool = false
) -> Variable {
    let value = product(
        a.value, b.value, transposeA, transposeB, into: { a.tape.uninitialized($0) })
    return a.tape.record(value, from: a, b) { [a = a.kept, b = b.kept] g, sums in
        if b.needsGradient {
            // C = op(A) B: dB = op(A)^T g; C = op(A) B^T: dB = g^T op(A).
            let result =
                transposeB
                ? product(g, a.value, true, transposeA, into: { sums.uninitialized($0) })
                : product(a.value, g, !transposeA, false, into: { sums.uninitialized($0) })
            sums.add(result, to: b.place)
        }
        if a.needsGradient {
            let result =
                transposeA
                ? product(b.value, g, transposeB, true, into: { sums.uninitialized($0) })
                : product(g, b.value, false, !transposeB, into: { sums.uninitialized($0) })
            sums.add(result, to: a.place)
        }
    }
}

private func product(
    _ a: borrowing Tensor, _ b: borrowing Tensor, _ transposeA: Bool, _ transposeB: Bool,
    into make: (Shape) -> Tensor
) -> Tensor {
    let (shapeA, shapeB) = (a.shape, b.shape)
    precondition(shapeA.rank == 2 && shapeB.rank == 2, "matmul: shapes \(shapeA) and \(shapeB)")
    let (m, k) = transposeA ? (shapeA[1], shapeA[0]) : (shapeA[0], shapeA[1])
    let (rows, n) = transposeB ? (shapeB[1], shapeB[0]) : (shapeB[0], shapeB[1])
    precondition(
        k == rows,
        "matmul: \(shapeA)\(transposeA ? "^T" : "") times \(shapeB)\(transposeB ? "^T" : "")")
    var result = make([m, n])
    var c = result.mutableSpan
    sgemm(
        transA: transposeA ? .transposed : .none, transB: transposeB ? .transposed : .none,
        m: m, n: n, k: k, a: a.span, b: b.span, c: &c)
    return result
}
