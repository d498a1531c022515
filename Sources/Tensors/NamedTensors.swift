/// Tensors with names, in a fixed order: what a worker and the coordinator hand each other in an
/// exchange.
public struct NamedTensors: Sendable {
    /// One tensor under its name.
    public struct Entry: Sendable {
        /// The name, unique among its kin.
        public var name: String
        /// The value.
        public var tensor: Tensor
        /// A tensor under a name.
        public init(name: String, tensor: Tensor) {
            self.name = name
            self.tensor = tensor
        }
    }

    /// The tensors in the order in which they were added.
    public private(set) var entries: [Entry]

    /// No tensors.
    public init() { entries = [] }

    /// These tensors, in this order.
    public init(_ pairs: KeyValuePairs<String, Tensor>) {
        entries = pairs.map { Entry(name: $0.key, tensor: $0.value) }
    }

    /// Adds a tensor at the end.
    public mutating func append(_ name: String, _ tensor: Tensor) {
        entries.append(Entry(name: name, tensor: tensor))
    }

    /// The tensor of that name, if there is one.
    public subscript(_ name: String) -> Tensor? {
        entries.first { $0.name == name }?.tensor
    }
}
