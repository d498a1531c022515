import Testing

@testable import RunFiles

@Suite struct KeySettingTests {
    private let text = """
        steps: 10
        mlcd: {rate: 0.1, sizes: [1, 2]}
        name: here
        """

    /// What a document with settings says of the keys of `text`.
    private func read(_ settings: KeySetting...) throws -> String {
        let document = try RunDocument(text: text, setting: settings)
        let root = document.root
        _ = root.int("steps", in: 1...1000)
        let section = root.sub("mlcd")
        _ = section.float("rate", in: 0...1)
        _ = section.ints("sizes", count: 1...4, in: 0...9)
        _ = section.sub("deep").int("value", in: 0...9, default: 1)
        _ = root.string("name")
        return try document.finish().entries.map { "\($0.key)=\($0.value)" }
            .joined(separator: " ")
    }

    @Test func `a key gets its value, and the others keep theirs`() throws {
        #expect(
            try read(KeySetting("mlcd.rate", "0.25"))
                == "steps=10 mlcd.rate=0.25 mlcd.sizes=[1, 2] mlcd.deep.value=1 name=here")
        #expect(
            try read(KeySetting("steps", "7"), KeySetting("mlcd.sizes", "[3]"))
                == "steps=7 mlcd.rate=0.1 mlcd.sizes=[3] mlcd.deep.value=1 name=here")
    }

    @Test func `sections that are missing are made, and the last setting wins`() throws {
        let resolved = try read(
            KeySetting("mlcd.deep.value", "3"), KeySetting("mlcd.deep.value", "4"))
        #expect(resolved.contains("mlcd.deep.value=4"))
    }

    @Test func `what cannot be set is said with its key`() {
        for (setting, words) in [
            (KeySetting("mlcd.rat", "0.2"), "did you mean 'rate'"),
            (KeySetting("mlcd.rate", "2"), "mlcd.rate"),
            (KeySetting("steps.deep", "2"), "lies within a key that is no section"),
            (KeySetting("mlcd..rate", "2"), "is no key"),
            (KeySetting("name", "a\nsteps: 3"), "several lines"),
            (KeySetting("name", "[1"), "no YAML"),
        ] {
            let error = #expect(throws: RunFileError.self) { try read(setting) }
            #expect(error?.description.contains(words) == true, "\(setting): \(error as Any)")
            #expect(error?.description.contains(setting.key.prefix(4)) == true)
        }
    }
}
