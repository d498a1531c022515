internal import Storage

extension StateArray {
    /// An array of a table's state.
    init(_ entry: SafetensorsEntry) {
        switch entry.value {
        case .f32(let tensor): self.init(entry.name, .floats(tensor))
        case .source(let source): self.init(entry.name, .source(source))
        case .i64(let values, _): self.init(entry.name, .integers(values))
        case .f64, .i32, .u8: preconditionFailure("\(entry.name): a table keeps no such type")
        }
    }
}
