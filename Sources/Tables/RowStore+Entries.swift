internal import Storage
internal import Tensors

// How rows are stored: a chunk an array.
extension RowStore {
    /// The rows as arrays `NAME.0`, `NAME.1`, ..., one a chunk, which share memory with the store.
    func entries(_ name: String) -> [SafetensorsEntry] {
        Self.entries(name, of: chunks.map { .f32($0) })
    }

    /// Chunks as arrays under the same names.
    fileprivate static func entries(
        _ name: String, of chunks: [SafetensorsValue]
    ) -> [SafetensorsEntry] {
        chunks.enumerated().map { SafetensorsEntry("\(name).\($0)", $1) }
    }

    /// The rows of such arrays: memory of whole chunks is taken over, other is copied.
    init(
        _ entries: [SafetensorsEntry], _ name: String, count: Int, dim: Int
    ) throws(TableError) {
        var chunks: [Tensor] = []
        for index in 0..<Self.chunkCount(of: count) {
            let entry = try entries.named("\(name).\(index)")
            guard case .f32(let tensor) = entry.value else {
                throw .mismatch(
                    array: entry.name, found: entry.value.type.rawValue, wanted: "F32")
            }
            chunks.append(tensor)
        }
        guard let store = RowStore(chunks: chunks, count: count, dim: dim) else {
            throw .mismatch(
                array: name, found: "\(chunks.map(\.shape))", wanted: "\(count) x \(dim)")
        }
        self = store
    }
}

extension RowSnapshot {
    /// The rows as arrays under the names of the store's own, fetched when they are written.
    func entries(_ name: String) -> [SafetensorsEntry] {
        RowStore.entries(
            name,
            of: (0..<chunkCount).map { .source(SnapshotChunk(snapshot: self, chunk: $0)) })
    }
}

extension [SafetensorsEntry] {
    /// The array of that name.
    func named(_ name: String) throws(TableError) -> SafetensorsEntry {
        guard let entry = first(where: { $0.name == name }) else { throw .missing(name) }
        return entry
    }

    /// The whole numbers of the array of that name.
    func integers(_ name: String) throws(TableError) -> [Int64] {
        let entry = try named(name)
        guard case .i64(let values, _) = entry.value else {
            throw .mismatch(array: name, found: entry.value.type.rawValue, wanted: "I64")
        }
        return values
    }
}
