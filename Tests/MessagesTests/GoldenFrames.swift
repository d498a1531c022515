import Foundation
import Identity
import Messages
import Tensors
import Wire

/// A message with what a vector file says about it.
struct GoldenFrame: Sendable, CustomStringConvertible {
    /// A message of one of the three families.
    enum Message: Sendable {
        case request(Request)
        case reply(Reply)
        case push(Push)
    }

    var kind: MessageKind
    /// Tells frames of one kind apart; empty for the first.
    var variant = ""
    var meaning: String
    /// Field by field, in the order of the bytes.
    var fields: [String]
    var message: Message
    var id: UInt64
    var incarnation = Incarnation(epoch: 3, counter: 7)
    var tensors: [WireTensor] = []

    var description: String { variant.isEmpty ? kind.name : "\(kind.name)-\(variant)" }

    /// The message on the wire.
    var wire: WireMessage {
        let id = RequestID(rawValue: id)
        switch message {
        case .request(let request):
            return request.message(id: id, incarnation: incarnation, tensors: tensors)
        case .reply(let reply):
            return reply.message(to: id, incarnation: incarnation, tensors: tensors)
        case .push(let push): return push.message(incarnation: incarnation)
        }
    }

    /// The text of its vector file.
    var vectorText: String {
        let bytes = FrameCodec.encode(wire).reduce(into: []) { $0 += $1 }
        var lines = ["name: \(self)"]
        lines.append("kind: 0x" + hexText([UInt8(kind.rawValue >> 8), UInt8(kind.rawValue & 255)]))
        lines.append("meaning: \(meaning)")
        lines.append("header: incarnation \(wire.incarnation), request \(wire.requestID), ")
        lines[lines.count - 1] += "step \(wire.step), slice \(wire.slice)"
        lines += fields.map { "field: \($0)" }
        lines += tensors.map { "tensor: \($0.name) \($0.type) \($0.dims)" }
        for start in stride(from: 0, to: bytes.count, by: 32) {
            lines.append("hex: " + hexText(bytes[start..<min(start + 32, bytes.count)]))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Where the vectors lie.
    static let directory = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "proto/vectors", directoryHint: .isDirectory)

    /// The file of its vector.
    var file: URL { Self.directory.appending(path: "message-\(self).txt") }

    /// The bytes in a vector file.
    static func bytes(inText text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for line in text.split(separator: "\n") where line.hasPrefix("hex: ") {
            let digits = Array(line.dropFirst("hex: ".count))
            for place in stride(from: 0, to: digits.count - 1, by: 2) {
                bytes.append(UInt8(String(digits[place...(place + 1)]), radix: 16) ?? 0)
            }
        }
        return bytes
    }

    /// The bytes of its vector.
    func storedBytes() throws -> [UInt8] {
        Self.bytes(inText: try String(contentsOf: file, encoding: .utf8))
    }
}

/// A digest of equal bytes.
func digest(of byte: UInt8) -> Digest {
    Digest(bytes: Array(repeating: byte, count: 32)) ?? .zero
}

/// Tensors of an exchange: two rows of three.
let exchangeTensors = NamedTensors([
    "z": Tensor([1, -2, 0.5, 0, -0.0, .leastNonzeroMagnitude], shape: [2, 3])
])

/// A tensor's facts for comparisons: name, type, shape and bits.
func facts(_ tensors: [WireTensor]) -> [String] {
    tensors.map { tensor in
        "\(tensor.name) \(tensor.type) \(tensor.dims) \(Messages.digest(of: [tensor]))"
    }
}
