import RunFiles
import Testing

@Suite struct HostileTextTests {
    private func problem(_ text: String) -> String {
        do {
            let document = try RunDocument(text: text, file: "r.yaml")
            try document.finish()
            return ""
        } catch {
            return error.description
        }
    }

    @Test func `an alias bomb is refused before it grows`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...40 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        text += "? *a40\n: 1\n"
        #expect(problem(text).hasPrefix("r.yaml:2: the alias '*a0' is not supported"))
    }

    @Test func `quotes and block text cannot hide an alias`() {
        let text = "a: |\n  '\nb: &x [1]\nc: *x\nd: '"
        #expect(problem(text).contains("r.yaml:4: the alias '*x'"))
    }

    @Test(.timeLimit(.minutes(1)))
    func `deep nesting is refused, in brackets and in lines`() {
        for depth in [40, 900, 1_100, 100_000] {
            let brackets = "a: " + String(repeating: "[", count: depth)
            #expect(!problem(brackets).isEmpty)
            let closed = brackets + String(repeating: "]", count: depth)
            #expect(!problem(closed).isEmpty)
            #expect(!problem(String(repeating: "- ", count: depth) + "x").isEmpty)
        }
        var indented = ""
        for level in 0..<500 { indented += String(repeating: " ", count: level) + "a:\n" }
        #expect(!problem(indented).isEmpty)
    }

    @Test func `a text that is too long or has too many values is refused`() {
        #expect(problem(String(repeating: "#", count: 300_000)).contains("larger than"))
        #expect(problem("a: [" + String(repeating: "1,", count: 50_000) + "1]").contains("values"))
    }

    @Test(arguments: [
        "a: 'x", "a: [1", "\ta: 1", "a: b: c", "- a", "5", "a: 1\na: 2", "a: *nothing",
        "a: !!int 5", "a: !mine [1]", "? [a]\n: 1", "a: 1\n---\nb: 2", "a: \u{0}",
        "%YAML 9.9\n---\n",
        "a: \"\\x\"", "{", "}", "<<: {a: 1}",
    ])
    func `what is no run file is refused with its place`(text: String) {
        let found = problem(text)
        #expect(found.hasPrefix("r.yaml:"), "\(text): \(found)")
    }

    @Test func `an empty text is a run file in which everything is missing`() {
        for text in ["", "\n", "# nothing\n", "~", "---\n"] {
            let found = mistakes(in: text) { _ = $0.int("steps", in: 1...9) }
            #expect(found.count == 1 && found[0].contains("steps: is missing"), "\(found)")
        }
    }

    @Test func `the first duplicate is named with its line`() {
        #expect(problem("a: 1\nb: 2\nb: 3").contains("'b' stands twice"))
    }

    @Test func `every cut and every changed byte of a run file ends in an answer`() {
        let text = Array("m: mlcd\nb: {s: 4, l: [1, 2]}\nd: \"x\\n\" # c\ne: &f 1\n".utf8)
        for cut in 0...text.count {
            _ = problem(String(decoding: text[..<cut], as: UTF8.self))
        }
        for index in text.indices {
            for byte in [UInt8(ascii: "*"), 0, 0xff, UInt8(ascii: "["), UInt8(ascii: ":"), 10, 9] {
                var changed = text
                changed[index] = byte
                _ = problem(String(decoding: changed, as: UTF8.self))
            }
        }
    }
}
