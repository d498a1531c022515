/// A value in a computation that a tape follows.
///
/// Operations on variables compute at once; the tape remembers what the gradient needs.
public struct Variable {
    /// The value.
    public let value: Tensor
    /// The tape that follows the computation.
    public let tape: Tape
    /// The record on the tape, `nil` where no gradient will ever be needed.
    let record: Int?
    /// The value in the form in which products read it, if somebody packed it ahead.
    let packed: PackedWeight?

    init(_ value: Tensor, tape: Tape, record: Int?, packed: PackedWeight? = nil) {
        self.value = value
        self.tape = tape
        self.record = record
        self.packed = packed
    }

    /// The same variable with its value packed: linear layers read that instead.
    ///
    /// - Parameter packed: made from this variable's value.
    public func with(packed: PackedWeight) -> Variable {
        precondition(packed.shape == shape, "a weight \(shape) packed as \(packed.shape)")
        return Variable(value, tape: tape, record: record, packed: packed)
    }

    /// The shape of the value.
    public var shape: Shape { value.shape }

    /// Whether a gradient flows back through this variable.
    public var needsGradient: Bool { record != nil }

    /// The same value, through which no gradient flows.
    public func detached() -> Variable { Variable(value, tape: tape, record: nil) }
}

/// Where the gradient of a variable is gathered: what a backward step keeps of an input whose
/// value it does not need.
struct Place {
    let record: Int?
    let shape: Shape

    var needsGradient: Bool { record != nil }
}

/// What a backward step keeps of an input whose value it needs.
///
/// Never the variable itself: that holds the tape, which would hold itself through its record, and
/// with it all that was computed, if its gradients are never asked for.
struct KeptInput {
    let value: Tensor
    let place: Place

    var shape: Shape { value.shape }
    var needsGradient: Bool { place.needsGradient }
}

extension Variable {
    var place: Place { Place(record: record, shape: shape) }
    var kept: KeptInput { KeptInput(value: value, place: place) }
}
