import Storage
import Testing

@Suite struct JSONValueTests {
    @Test func `members keep their order and numbers their kind`() {
        let value: JSONValue = ["z": 1, "a": [true, .null, 1.5, "x\n\"\\\u{1}é"], "m": [:]]
        #expect(value.text == #"{"z":1,"a":[true,null,1.5,"x\n\"\\\u0001é"],"m":{}}"#)
        #expect(value["z"]?.integer == 1)
        #expect(value["a"]?.array?[2].number == 1.5)
        #expect(JSONValue.number(.nan).text == "null")
    }

    @Test func `indented text is the same value`() throws {
        let value: JSONValue = ["a": [1, [2, []], ["b": "c"]], "d": [:]]
        let lines = value.indentedText
        #expect(lines.hasPrefix("{\n  \"a\": [\n    1,\n    [\n"))
        #expect(try JSONValue(parsing: lines) == value)
        #expect(try JSONValue(parsing: value.text) == value)
    }

    @Test(arguments: [
        #""\u00e9\ud83d\ude00\/\b\f""#, "-0", "1e3", "-12.5E-2", "9223372036854775808", "[]",
        " { \"a\" : [ ] } ",
    ])
    func `what the standard allows is read`(text: String) throws {
        _ = try JSONValue(parsing: text)
    }

    @Test(arguments: [
        "", "01", "1.", ".5", "+1", "1e", "1e999", "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "nul",
        "\"\\x\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"a", "\"\u{1}\"", "1 2",
        "{\"a\":1,\"a\":2}", "[1 2]", "tru", "\"\\u12g4\"", "NaN", "\"\\",
    ])
    func `what the standard forbids is refused`(text: String) {
        #expect(throws: StorageError.self) { try JSONValue(parsing: text) }
    }

    @Test func `depth is bounded`() throws {
        let deep = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
        _ = try JSONValue(parsing: deep)
        let deeper = String(repeating: "[", count: 100_000)
        #expect(throws: StorageError.self) { try JSONValue(parsing: deeper) }
    }
}
