internal import Kernels
internal import Objectives
internal import Tensors

/// All rows of a store, as losses read them.
struct WholeRows: DrawnRows {
    private let access: RowAccess
    let count: Int

    /// The rows of a store, which are not written while anybody reads them.
    init(_ store: RowStore) {
        access = store.access
        count = store.count
    }

    var dim: Int { access.dim }

    @_lifetime(target: copy target)
    func copy(_ rows: Range<Int>, into target: inout MutableSpan<Float>) {
        for (place, row) in rows.enumerated() {
            var part = target._mutatingExtracting((place * dim)..<((place + 1) * dim))
            access.read(Int32(row)) { Vector.copy($0, into: &part) }
        }
    }

    /// Rows of one chunk lie one after the other: nothing is copied.
    func withRows(_ rows: Range<Int>, _ memory: inout Tensor, _ body: (Span<Float>) -> Void) {
        if !access.read(rows, body) { withCopies(of: rows, memory: &memory, body) }
    }
}
