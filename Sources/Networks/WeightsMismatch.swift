public import Tensors

/// Why named tensors are not the weights of a network: every fault at once.
public struct WeightMismatch: Error, Hashable, Sendable, CustomStringConvertible {
    /// A tensor of another shape than the network's.
    public struct Misshapen: Hashable, Sendable {
        /// The name.
        public let name: String
        /// The shape that was found.
        public let found: Shape
        /// The shape that the network has.
        public let expected: Shape
    }

    /// Names that the network has and that were not found.
    public var missing: [String] = []
    /// Names that were found and that the network does not have.
    public var unexpected: [String] = []
    /// Tensors of another shape.
    public var misshapen: [Misshapen] = []
    /// Tensors with infinities or NaNs, and running variances below 0.
    public var unsound: [String] = []

    /// No fault.
    init() {}

    /// Whether no fault was found.
    var isEmpty: Bool {
        missing.isEmpty && unexpected.isEmpty && misshapen.isEmpty && unsound.isEmpty
    }

    /// The faults, at most so many names of each kind.
    private static let namesMax = 6

    /// The faults in words that go behind a file's name.
    public var description: String {
        var parts: [String] = []
        if !missing.isEmpty { parts.append("lacks \(list(missing))") }
        if !unexpected.isEmpty {
            parts.append("has \(list(unexpected)), which the network does not have")
        }
        if !misshapen.isEmpty {
            let shapes = misshapen.map { "\($0.name) as \($0.found) instead of \($0.expected)" }
            parts.append("has \(list(shapes))")
        }
        if !unsound.isEmpty {
            parts.append("has numbers that no trained network holds in \(list(unsound))")
        }
        return parts.joined(separator: "; ")
    }

    private func list(_ names: [String]) -> String {
        let shown = names.prefix(Self.namesMax).joined(separator: ", ")
        let rest = names.count - Self.namesMax
        return rest > 0 ? "\(shown) and \(rest) more" : shown
    }
}
