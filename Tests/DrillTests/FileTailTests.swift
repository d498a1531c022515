import Foundation
import Testing

@testable import Drill

@Suite struct FileTailTests {
    @Test func `lines come once, whole, and go on after a cut`() throws {
        let path = NSTemporaryDirectory() + "/pleiad-tail-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }  // best effort
        var tail = FileTail(path: path)
        #expect(tail.newLines().isEmpty)
        try Data("one\ntw".utf8).write(to: URL(fileURLWithPath: path))
        #expect(tail.newLines() == ["one"])
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data("o\nthree\n".utf8))
        #expect(tail.newLines() == ["two", "three"])
        #expect(tail.newLines().isEmpty)
        try file.truncate(atOffset: 4)
        #expect(tail.newLines().isEmpty)
        try file.seekToEnd()
        try file.write(contentsOf: Data("2\n".utf8))
        #expect(tail.newLines() == ["2"])
        try file.close()
    }
}
