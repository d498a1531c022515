import Kernels

/// x + y where y is repeated along the leading axes of x.
///
/// - Parameters:
///   - x: `[..., a, b]`.
///   - y: the trailing axes of x, such as `[a, b]` (leading axes of extent 1 may stand before).
/// - Returns: the shape of x. The gradient of y is summed from the first repetition to the last.
public func addBroadcast(_ x: Variable, _ y: Variable) -> Variable {
    let trailing = Array(y.shape.dims.drop { $0 == 1 })
    precondition(
        trailing.count <= x.shape.rank && Array(x.shape.dims.suffix(trailing.count)) == trailing,
        "addBroadcast: \(y.shape) is no trailing part of \(x.shape)")
    var value = x.tape.uninitialized(x.shape)
    var sum = value.mutableSpan
    Rows.add(x.value.span, y.value.span, into: &sum)
    return x.tape.record(value, from: x, y) { [x = x.place, y = y.place] gradient, sums in
        if y.needsGradient {
            var total = sums.uninitialized(y.shape)
            var span = total.mutableSpan
            Rows.columnSums(gradient.span, into: &span)
            sums.add(total, to: y)
        }
        sums.add(gradient, to: x)
    }
}
