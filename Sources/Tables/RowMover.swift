internal import Kernels
internal import Objectives
internal import Optimizers
internal import Tensors

/// Moves drawn rows and their moments where they lie.
struct RowMover: Sendable {
    /// The drawn rows; none twice, so that threads may move parts of them at the same time.
    let rows: [Int32]
    /// The slots of their moments.
    let slots: [Int32]
    let weights: RowAccess
    let moments: [RowAccess]
    let update: ElementUpdate
    /// The coordinates that gradients have; nil: all.
    ///
    /// The others' gradient is 0.
    let features: FeatureSubset?
    /// What gradients are multiplied by: below 1 where they are clipped.
    var factor: Float = 1

    /// Moves some of the drawn rows along their gradients, from which that part is taken first
    /// that points along the row.
    @inline(never) @_lifetime(gradient: copy gradient)
    func move(_ places: Range<Int>, along gradient: inout MutableSpan<Float>) {
        guard features == nil, factor == 1 else {
            flatten(places, &gradient)
            return moveFlat(places, along: &gradient)
        }
        let dim = weights.dim
        for place in places {
            let next = place + weights.rowsAhead
            if next < places.upperBound { prefetch(rows[next], slots[next]) }
            let start = (place - places.lowerBound) * dim
            var g = gradient._mutatingExtracting(start..<(start + dim))
            weights.read(rows[place]) { UnitRows.flatten(&g, along: $0) }
            move(rows[place], slots[place], gradient: g.span)
        }
    }

    @inline(__always)
    private func prefetch(_ row: Int32, _ slot: Int32) {
        weights.read(row) { Prefetch.write($0) }
        for moment in moments { moment.read(slot) { Prefetch.write($0) } }
    }

    /// Takes from the gradients of some of the drawn rows what points along each row.
    @inline(never) @_lifetime(gradient: copy gradient)
    func flatten(_ places: Range<Int>, _ gradient: inout MutableSpan<Float>) {
        let width = features?.count ?? weights.dim
        var row = Tensor(uninitialized: [width])
        for place in places {
            let start = (place - places.lowerBound) * width
            var g = gradient._mutatingExtracting(start..<(start + width))
            if let features {
                var w = row.mutableSpan
                weights.read(rows[place]) { features.take($0, into: &w) }
                UnitRows.flatten(&g, along: w.span)
            } else {
                weights.read(rows[place]) { UnitRows.flatten(&g, along: $0) }
            }
        }
    }

    /// Moves some of the drawn rows along gradients that are flat already: clipped, and spread
    /// over all coordinates.
    @_lifetime(gradient: copy gradient)
    private func moveFlat(_ places: Range<Int>, along gradient: inout MutableSpan<Float>) {
        if factor != 1 { Vector.scale(&gradient, by: factor) }
        guard let features else {
            let dim = weights.dim
            for place in places {
                let start = (place - places.lowerBound) * dim
                let g = gradient.span.extracting(start..<(start + dim))
                move(rows[place], slots[place], gradient: g)
            }
            return
        }
        var whole = Tensor(uninitialized: [weights.dim])
        for place in places {
            let start = (place - places.lowerBound) * features.count
            var all = whole.mutableSpan
            features.spread(
                gradient.span.extracting(start..<(start + features.count)), into: &all)
            move(rows[place], slots[place], gradient: all.span)
        }
    }

    /// Moves one row along its gradient.
    func move(_ row: Int32, _ slot: Int32, gradient: Span<Float>) {
        weights.withRow(row) { w in
            moments[0].withRow(slot) { first in
                guard moments.count > 1 else {
                    var none: [Float] = []
                    var second = none.mutableSpan
                    update.move(&w, gradient: gradient, first: &first, second: &second)
                    return
                }
                moments[1].withRow(slot) { second in
                    update.move(&w, gradient: gradient, first: &first, second: &second)
                }
            }
        }
    }
}
