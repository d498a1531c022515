import Kernels

extension Variable {
    /// The sum of all elements, a scalar, over 32 lanes as `Vector` documents.
    public func sum() -> Variable {
        let value = tape.scalar(Vector.sum(self.value.span))
        return tape.record(value, from: self) { [x = place] gradient, sums in
            var result = sums.uninitialized(x.shape)
            var span = result.mutableSpan
            Vector.fill(&span, with: gradient.scalar)
            sums.add(result, to: x)
        }
    }

    /// The mean of all elements, a scalar.
    public func mean() -> Variable { sum() * (1 / Float(shape.count)) }
}

/// The mean over the middle axis: `[B, T, C]` to `[B, C]`, tokens added in order.
public func meanOverTokens(_ x: Variable) -> Variable {
    precondition(x.shape.rank == 3, "meanOverTokens of shape \(x.shape)")
    let (batch, tokens, width) = (x.shape[0], x.shape[1], x.shape[2])
    var value = x.tape.uninitialized([batch, width])
    var y = value.mutableSpan
    Rows.groupMeans(x.value.span, group: tokens, width: width, into: &y)
    return x.tape.record(value, from: x) { [x = x.place] gradient, sums in
        var result = sums.uninitialized(x.shape)
        var span = result.mutableSpan
        Rows.spreadMeans(gradient.span, group: tokens, width: width, into: &span)
        sums.add(result, to: x)
    }
}
