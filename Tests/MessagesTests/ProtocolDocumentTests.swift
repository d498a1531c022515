import Foundation
import Messages
import Testing

/// A message needs its section and its vector, an error its row: a stranger writes a client from
/// the document alone.
@Suite struct ProtocolDocumentTests {
    private func document() throws -> [Substring] {
        let file = GoldenFrame.directory.deletingLastPathComponent().appending(path: "PROTOCOL.md")
        return try String(contentsOf: file, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    private func hex(_ number: UInt16) -> String {
        let digits = String(number, radix: 16)
        return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    @Test(arguments: MessageKind.allCases)
    func `every kind of message has its section, its row and its vector`(kind: MessageKind) throws {
        let lines = try document()
        #expect(lines.contains("### \(kind.name) (\(hex(kind.rawValue)))"))
        let row = "| \(hex(kind.rawValue)) | \(kind.name) | \(kind.family) |"
        #expect(lines.contains { $0.hasPrefix(row) })
        let vector = GoldenFrame.directory.appending(path: "message-\(kind.name).txt")
        #expect(FileManager.default.fileExists(atPath: vector.path))
    }

    @Test(arguments: ErrorCode.allCases)
    func `every error has its row with sentence and remedy`(code: ErrorCode) throws {
        let row = "| \(code.rawValue) | \(code) | \(code.sentence) | \(code.remedy) |"
        #expect(try document().contains(Substring(row)))
    }

    @Test(arguments: ErrorCode.allCases)
    func `every error crosses the wire and reads as a sentence`(code: ErrorCode) throws {
        let refusal = Refusal(code, "slice 7")
        let message = Reply.refused(refusal).message(
            to: RequestID(rawValue: 1), incarnation: Incarnation(rawValue: 0))
        #expect(try Reply(message) == .refused(refusal))
        #expect(refusal.description.contains(code.sentence))
        #expect(refusal.description.contains(code.remedy))
        #expect(refusal.description.contains("slice 7"))
    }

    @Test func `no vector is left over`() throws {
        let files = try FileManager.default.contentsOfDirectory(
            atPath: GoldenFrame.directory.path)
        let messages = files.filter { $0.hasPrefix("message-") }.sorted()
        let known = GoldenFrame.all + GoldenFrame.variants
        #expect(messages == known.map { "message-\($0).txt" }.sorted())
    }
}
