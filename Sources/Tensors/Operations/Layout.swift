import Kernels

extension Variable {
    /// The same elements under another shape of the same count.
    public func reshaped(_ shape: Shape) -> Variable {
        tape.record(value.reshaped(shape), from: self) { [x = place] gradient, sums in
            sums.add(gradient.reshaped(x.shape), to: x)
        }
    }

    /// The axes in another order: axis i of the result is axis `order[i]` of this.
    public func permuted(_ order: [Int]) -> Variable {
        precondition(
            order.sorted() == Array(0..<shape.rank), "permuted: axes \(order) of shape \(shape)")
        var inverse = order
        for (new, old) in order.enumerated() { inverse[old] = new }
        let value = permutedCopy(self.value, order, into: { tape.uninitialized($0) })
        return tape.record(value, from: self) { [x = place, inverse] gradient, sums in
            sums.add(permutedCopy(gradient, inverse, into: { sums.uninitialized($0) }), to: x)
        }
    }

    /// The part with these indices on one axis.
    public func sliced(axis: Int, _ range: Range<Int>) -> Variable {
        let extent = shape[axis]
        precondition(
            range.lowerBound >= 0 && range.upperBound <= extent,
            "sliced: \(range) on axis \(axis) of shape \(shape)")
        let inner = shape.count(after: axis)
        let (length, whole) = (range.count * inner, extent * inner)
        var value = tape.uninitialized(shape.replacing(axis: axis, with: range.count))
        var y = value.mutableSpan
        Blocks.copy(
            self.value.span, stride: whole, offset: range.lowerBound * inner, length: length,
            into: &y, stride: length, offset: 0)
        return tape.record(value, from: self) { [x = place] gradient, sums in
            var result = sums.uninitialized(x.shape)
            var span = result.mutableSpan
            Vector.fill(&span, with: 0)
            Blocks.copy(
                gradient.span, stride: length, offset: 0, length: length, into: &span,
                stride: whole, offset: range.lowerBound * inner)
            sums.add(result, to: x)
        }
    }
}

/// Tensors that agree on all axes but one, one after another on that axis.
public func concatenated(_ parts: [Variable], axis: Int) -> Variable {
    guard let first = parts.first else { preconditionFailure("concatenated: no parts") }
    let extents = parts.map { $0.shape[axis] }
    let total = extents.reduce(0, +)
    let shape = first.shape.replacing(axis: axis, with: total)
    for part in parts {
        precondition(
            part.shape.rank == shape.rank
                && part.shape.replacing(axis: axis, with: total) == shape,
            "concatenated: shapes \(parts.map(\.shape)) on axis \(axis)")
    }
    let inner = shape.count(after: axis)
    var value = first.tape.uninitialized(shape)
    var y = value.mutableSpan
    var offset = 0
    for (part, extent) in zip(parts, extents) {
        Blocks.copy(
            part.value.span, stride: extent * inner, offset: 0, length: extent * inner,
            into: &y, stride: total * inner, offset: offset)
        offset += extent * inner
    }
    return first.tape.record(value, from: parts) { [places = parts.map(\.place)] gradient, sums in
        var offset = 0
        for (place, extent) in zip(places, extents) {
            if place.needsGradient {
                var result = sums.uninitialized(place.shape)
                var span = result.mutableSpan
                Blocks.copy(
                    gradient.span, stride: total * inner, offset: offset,
                    length: extent * inner, into: &span, stride: extent * inner, offset: 0)
                sums.add(result, to: place)
            }
            offset += extent * inner
        }
    }
}

extension Shape {
    /// The product of the extents behind an axis.
    func count(after axis: Int) -> Int { dims[(axis + 1)...].reduce(1, *) }
}

private func permutedCopy(
    _ x: borrowing Tensor, _ order: [Int], into make: (Shape) -> Tensor
) -> Tensor {
    let dims = x.shape.dims
    var strides = [Int](repeating: 1, count: dims.count)
    for axis in stride(from: dims.count - 2, through: 0, by: -1) {
        strides[axis] = strides[axis + 1] * dims[axis + 1]
    }
    var result = make(Shape(order.map { dims[$0] }))
    var y = result.mutableSpan
    Blocks.gather(
        x.span, extents: order.map { dims[$0] }, strides: order.map { strides[$0] }, into: &y)
    return result
}
