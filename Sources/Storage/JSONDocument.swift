import Foundation

/// A document for programs, as `--json` prints it: its keys are an interface.
public protocol JSONDocument: Encodable {}

extension JSONDocument {
    /// JSON with sorted keys.
    ///
    /// A figure that is not finite is left out of no line: it is written as a string, since JSON
    /// has no number for it.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        guard let data = try? encoder.encode(self) else {
            // Every field encodes: strings, integers, and floats by the strategy above.
            preconditionFailure("a \(Self.self) does not encode")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
