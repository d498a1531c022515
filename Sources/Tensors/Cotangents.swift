import Buffers
import Kernels

/// The gradients that are known so far on the way back through a tape.
///
/// That of a leaf with a place in the flat gradient is written there at once; all others lie in
/// tensors of their own until the operation that made their variable takes them.
struct Cotangents {
    /// Where new tensors get their memory.
    let pool: BufferPool
    private var known: [Tensor?]
    private var flat: FlatGradient?

    /// - Parameters:
    ///   - count: the number of records on the tape.
    ///   - flat: takes the gradients of leaves that have a place in it.
    init(count: Int, pool: BufferPool, flat: FlatGradient? = nil) {
        known = Array(repeating: nil, count: count)
        self.pool = pool
        self.flat = flat
    }

    /// A tensor of the pool, to be written before it is read.
    func uninitialized(_ shape: Shape) -> Tensor { Tensor(uninitialized: shape, pool: pool) }

    /// Adds what `fill` writes to the gradient of a variable; does nothing where none is needed.
    ///
    /// - Parameter fill: writes every element, in memory that holds anything.
    mutating func add(to place: Place, _ fill: (inout MutableSpan<Float>) -> Void) {
        guard let index = place.record else { return }
        if flat?.isUnwritten(index) == true {
            flat?.write(index, fill)
            return
        }
        var gradient = uninitialized(place.shape)
        var span = gradient.mutableSpan
        fill(&span)
        add(gradient, to: place)
    }

    /// Adds to the gradient of a variable, in place where one is known that nobody else holds; does
    /// nothing where none is needed.
    ///
    /// - Parameter fill: adds to every element if the second argument says so, else writes it.
    mutating func add(
        to place: Place, inPlace fill: (inout MutableSpan<Float>, _ isAdded: Bool) -> Void
    ) {
        guard let index = place.record else { return }
        guard flat?.holds(index) != true, known[index]?.isUnique == true,
            var sum = known[index].take()
        else { return add(to: place) { fill(&$0, false) } }
        var span = sum.mutableSpan
        fill(&span, true)
        known[index] = sum
    }

    /// Adds to the gradient of a variable; does nothing where none is needed.
    mutating func add(_ gradient: consuming Tensor, to place: Place) {
        guard let index = place.record else { return }
        if flat?.holds(index) == true {
            flat?.add(gradient, to: index)
            return
        }
        guard var sum = known[index].take() else {
            known[index] = gradient.reshaped(place.shape)
            return
        }
        precondition(sum.count == gradient.count, "gradients of two sizes meet")
        if sum.isUnique {
            var span = sum.mutableSpan
            Vector.add(gradient.span, to: &span)
        } else {
            var fresh = uninitialized(sum.shape)
            var span = fresh.mutableSpan
            Vector.add(sum.span, gradient.span, into: &span)
            sum = fresh
        }
        known[index] = sum
    }

    /// The gradient of record `index`, which is forgotten unless it is asked for later.
    mutating func take(_ index: Int, keeping: Bool) -> Tensor? {
        keeping ? known[index] : known[index].take()
    }

    /// The gradient of record `index`, if the outputs depend on it.
    func found(_ index: Int) -> Tensor? { known[index] }

    /// The flat gradient, finished: the end of this.
    consuming func flatGradient() -> Tensor? { flat?.finished() }
}

/// One flat vector into which the gradients of leaves are written, each at its own place.
struct FlatGradient {
    /// Where a leaf's gradient lies, in floats.
    struct Region {
        var range: Range<Int>
        var isWritten = false
    }

    private var values: Tensor
    /// One for each record of the tape; nil for what is no leaf with a place.
    private var regions: [Region?]

    /// - Parameters:
    ///   - count: the length of the vector.
    ///   - places: for each record of the tape its range, or nil; rising.
    init(count: Int, places: [Range<Int>?], pool: BufferPool) {
        values = Tensor(uninitialized: [count], pool: pool)
        regions = places.map { $0.map { Region(range: $0) } }
        var span = values.mutableSpan
        var end = 0
        for range in places.lazy.compactMap(\.self) {
            precondition(range.lowerBound >= end, "gradients that overlap")
            var gap = span._mutatingExtracting(end..<range.lowerBound)
            Vector.fill(&gap, with: 0)
            end = range.upperBound
        }
        var rest = span._mutatingExtracting(end..<count)
        Vector.fill(&rest, with: 0)
    }

    func holds(_ record: Int) -> Bool { regions[record] != nil }

    func isUnwritten(_ record: Int) -> Bool { regions[record]?.isWritten == false }

    mutating func write(_ record: Int, _ fill: (inout MutableSpan<Float>) -> Void) {
        guard let region = regions[record] else { return }
        var all = values.mutableSpan
        var span = all._mutatingExtracting(region.range)
        fill(&span)
        regions[record]?.isWritten = true
    }

    mutating func add(_ gradient: Tensor, to record: Int) {
        guard let region = regions[record] else { return }
        precondition(gradient.count == region.range.count, "gradients of two sizes meet")
        guard region.isWritten else {
            return write(record) { Vector.copy(gradient.span, into: &$0) }
        }
        var all = values.mutableSpan
        var span = all._mutatingExtracting(region.range)
        Vector.add(gradient.span, to: &span)
    }

    /// The vector; zeros where no gradient came.
    consuming func finished() -> Tensor {
        for record in regions.indices where isUnwritten(record) {
            write(record) { Vector.fill(&$0, with: 0) }
        }
        return values
    }
}
