import Storage

/// JSON text, as headers, manifests and logs are made of.
enum JSONTarget: Target {
    static let name = "json"

    static func seeds() throws -> [[UInt8]] {
        [
            #"{"a":[1,-2.5e-3,true,false,null,"\u00e9\ud83d\ude00\n\"\\"],"b":{"c":{}}}"#,
            "[[[[[[1]]]]], 0.0, -0, 1e308, 9223372036854775807, 9223372036854775808]",
            "\"text\"", " 12 ", "{}",
        ].map { Array($0.utf8) }
    }

    static func read(_ input: [UInt8]) -> JSONValue? {
        guard let text = String(validating: input, as: UTF8.self) else { return nil }
        return try? JSONValue(parsing: text)
    }

    static func check(_ value: JSONValue, of input: [UInt8]) throws(BrokenPromise) {
        let line = try promised("parsing its text") { try JSONValue(parsing: value.text) }
        try promise(line == value, "its text is another value")
        let lines = try promised("parsing its lines") {
            try JSONValue(parsing: value.indentedText)
        }
        try promise(lines == value, "its lines are another value")
    }

    static func bytesMax(_ input: [UInt8]) -> Int { bytesAlways + 128 * input.count }
}
