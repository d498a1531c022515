import Tensors

/// How an array differs from the one of the same name in the checkpoint that it is based on.
public enum ArrayChange: Hashable, Sendable {
    /// It may differ anywhere.
    case whole
    /// A matrix that differs in these rows, rising; what is longer than the base's ends in some of
    /// them.
    case rows([Int32])
    /// Integers that begin with so many of the base's.
    case tail(from: Int)
}

/// An array with how it differs from the checkpoint that it is based on.
public struct ChangedArray: Sendable {
    /// The array, whole.
    public var entry: SafetensorsEntry
    /// How it differs.
    public var change: ArrayChange

    /// An array that differs so.
    public init(_ entry: SafetensorsEntry, _ change: ArrayChange = .whole) {
        (self.entry, self.change) = (entry, change)
    }

    /// Bytes of the whole array.
    public var byteCount: Int { entry.value.count * entry.value.type.elementBytes }

    /// Bytes of what differs, and of where it does.
    public var changeByteCount: Int {
        let dims = entry.value.dims
        switch change {
        case .whole: return byteCount
        case .rows(let places):
            let rowBytes = dims[0] == 0 ? 0 : byteCount / dims[0]
            return places.count * (rowBytes + 8)
        case .tail(let first): return 8 * (entry.value.count - first) + 8
        }
    }

    /// What differs, as a file of changes holds it: nothing for an array without changes.
    ///
    /// Beside the rows `NAME` of a matrix stands `NAME.places`, the numbers of these rows; beside
    /// the tail of a list `NAME.first`, the number of elements before it. An array that stands
    /// there alone takes the place of the base's.
    var changeEntries: [SafetensorsEntry] {
        switch (change, entry.value) {
        case (.rows(let places), let value):
            guard !places.isEmpty else { return [] }
            return [
                SafetensorsEntry(ChangedArray.places(entry.name), .i64(places.map(Int64.init))),
                SafetensorsEntry(entry.name, .source(ChosenRows(of: value, places: places))),
            ]
        case (.tail(let first), .i64(let values, _)):
            return [
                SafetensorsEntry(ChangedArray.first(entry.name), .i64([Int64(first)])),
                SafetensorsEntry(entry.name, .i64(Array(values[first...]))),
            ]
        default: return [entry]
        }
    }

    static func places(_ name: String) -> String { name + ".places" }
    static func first(_ name: String) -> String { name + ".first" }
}

extension [ChangedArray] {
    /// Bytes of the arrays.
    public var byteCount: Int { reduce(0) { $0 + $1.byteCount } }

    /// Bytes of what differs.
    public var changeByteCount: Int { reduce(0) { $0 + $1.changeByteCount } }
}

/// Rows of a matrix that is fetched when they are written.
private struct ChosenRows: FloatSource {
    let value: SafetensorsValue
    let places: [Int32]

    init(of value: SafetensorsValue, places: [Int32]) {
        (self.value, self.places) = (value, places)
    }

    var shape: Shape { Shape([places.count] + value.dims.dropFirst()) }

    func take() -> Tensor {
        let all = takeAll()
        var chosen = Tensor(uninitialized: shape)
        let columns = all.count / max(1, value.dims[0])
        var target = chosen.mutableSpan
        for (index, place) in places.enumerated() {
            copyFloats(
                all.span, from: Int(place) * columns, count: columns, into: &target,
                at: index * columns)
        }
        return chosen
    }

    private func takeAll() -> Tensor {
        switch value {
        case .f32(let tensor): tensor
        case .source(let source): source.take()
        default: preconditionFailure("rows of \(value.type.rawValue)")
        }
    }
}

/// Copies floats; a loop that the compiler makes wide.
@inline(__always) @_lifetime(target: copy target)
func copyFloats(
    _ source: Span<Float>, from: Int, count: Int, into target: inout MutableSpan<Float>, at to: Int
) {
    precondition(
        from >= 0 && to >= 0 && count >= 0 && count <= source.count - from
            && count <= target.count - to, "floats that are copied lie in both")
    for index in 0..<count { target[to &+ index] = source[from &+ index] }
}
