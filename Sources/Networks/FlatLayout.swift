public import Tensors

/// Named tensors that lie one after the other in one flat vector of floats.
///
/// Each begins at a multiple of 16 floats, a cache line, so that the parts of a flat tensor are
/// aligned; the floats between are zero and stay zero. The order, and with it every offset, is
/// that in which the network was put together.
public struct FlatLayout: Sendable, Hashable {
    /// What a tensor is to its network: decides whether weight decay applies.
    public enum Role: String, Sendable, Hashable, CaseIterable {
        /// The weight of a linear layer or convolution.
        case weight
        /// A bias.
        case bias
        /// The weight or bias of a normalisation.
        case norm
        /// A positional embedding or a class token.
        case embedding
        /// A running statistic, not trained.
        case buffer
    }

    /// One named tensor.
    public struct Entry: Sendable, Hashable {
        /// The name in weight files, as timm or torchvision has it.
        public let name: String
        /// The shape.
        public let shape: Shape
        /// What it is to the network.
        public let role: Role
        /// How its first values are drawn.
        public let initialiser: Initialiser
        /// Where it begins in the flat vector, in floats.
        public let offset: Int

        /// Where it lies in the flat vector, in floats.
        public var range: Range<Int> { offset..<(offset + shape.count) }
    }

    /// Entries begin at multiples of this many floats: 64 bytes.
    public static let alignment = 16

    /// The entries in order.
    public private(set) var entries: [Entry] = []
    /// The length of the flat vector, padding included.
    public private(set) var flatCount = 0

    /// No entries.
    public init() {}

    /// Adds an entry at the end and returns its number.
    ///
    /// - Precondition: no entry has the name yet.
    mutating func append(
        _ name: String, _ shape: Shape, _ role: Role, _ initialiser: Initialiser
    ) -> Int {
        precondition(index(named: name) == nil, "two tensors of a network are named \(name)")
        entries.append(
            Entry(
                name: name, shape: shape, role: role, initialiser: initialiser, offset: flatCount))
        let rounded = (shape.count + Self.alignment - 1) / Self.alignment * Self.alignment
        flatCount += rounded
        return entries.count - 1
    }

    /// The number of the entry with this name: for files, never within a step.
    public func index(named name: String) -> Int? {
        entries.firstIndex { $0.name == name }
    }

    /// Where entry `index` begins in the flat vector, in floats.
    public func offset(of index: Int) -> Int { entries[index].offset }

    /// Entry `index` of a flat tensor, without a copy.
    ///
    /// - Parameter flat: `[flatCount]`.
    public func view(of flat: Tensor, _ index: Int) -> Tensor {
        precondition(flat.count == flatCount, "\(flat.count) floats for a layout of \(flatCount)")
        let entry = entries[index]
        return Tensor(
            viewing: flat.buffer, byteOffset: flat.byteOffset + 4 * entry.offset,
            shape: entry.shape)
    }

    /// One flat tensor from one tensor an entry.
    ///
    /// - Parameter parts: as many as entries, of their shapes; nil stands for zeros.
    public func gathered(_ parts: [Tensor?]) -> Tensor {
        precondition(parts.count == entries.count, "\(parts.count) parts of \(entries.count)")
        var flat = Tensor(zeros: [flatCount])
        var span = flat.mutableSpan
        for (entry, part) in zip(entries, parts) {
            guard let part else { continue }
            precondition(
                part.shape == entry.shape, "\(entry.name) is \(entry.shape), not \(part.shape)")
            let source = part.span
            for index in 0..<source.count { span[entry.offset + index] = source[index] }
        }
        return flat
    }

    /// The first values under a run's seed, `[flatCount]`.
    public func initialised(seed: UInt64) -> Tensor {
        gathered(
            entries.indices.map {
                entries[$0].initialiser.values(entries[$0].shape, seed: seed, index: $0)
            })
    }

    /// Where the entries with one of these roles lie, rising.
    public func ranges(of roles: [Role]) -> [Range<Int>] {
        entries.filter { roles.contains($0.role) }.map(\.range)
    }
}
