internal import Storage

extension StateArray {
    /// An array of a table's state, of which nothing is known but itself.
    init(_ entry: SafetensorsEntry) { self.init(ChangedArray(entry)) }

    /// An array of a table's state.
    init(_ array: ChangedArray) {
        let (name, change) = (array.entry.name, array.change)
        switch array.entry.value {
        case .f32(let tensor): self.init(name, .floats(tensor), change: change)
        case .source(let source): self.init(name, .source(source), change: change)
        case .i64(let values, _): self.init(name, .integers(values), change: change)
        case .f64, .i32, .u8: preconditionFailure("\(name): a table keeps no such type")
        }
    }
}
