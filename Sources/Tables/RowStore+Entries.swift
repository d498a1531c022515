internal import Storage
internal import Tensors

// How tables that are nothing but rows are stored: a chunk an array.
extension RowStore {
    /// The rows as arrays `NAME.0`, `NAME.1`, ..., one a chunk, which share memory with the store.
    func entries(_ name: String) -> [SafetensorsEntry] {
        chunks.enumerated().map { SafetensorsEntry("\(name).\($0)", .f32($1)) }
    }

    /// The rows of such arrays, copied.
    init(
        _ entries: [SafetensorsEntry], _ name: String, count: Int, dim: Int
    ) throws(TableError) {
        var chunks: [Tensor] = []
        for index in 0..<Self.chunkCount(of: count) {
            let chunk = "\(name).\(index)"
            guard let entry = entries.first(where: { $0.name == chunk }) else {
                throw .missing(chunk)
            }
            guard case .f32(let tensor) = entry.value else {
                throw .mismatch(array: chunk, found: entry.value.type.rawValue, wanted: "F32")
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
