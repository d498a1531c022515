import RunFiles
import Testing

/// The mistakes that reading `text` in `body` leads to, as lines; empty if there are none.
func mistakes(in text: String, reading body: (Section) -> Void) -> [String] {
    do {
        let document = try RunDocument(text: text, file: "r.yaml")
        body(document.root)
        try document.finish()
        return []
    } catch {
        return error.description.split(separator: "\n").map(String.init)
    }
}

@Suite struct RunDocumentTests {
    @Test func `every mistake comes at once, each with file, line and key`() {
        let text = """
            steps: many
            lerningRate: 0.1
            batch:
              samples: 0
              slices: 8
              extra: 1
            """
        let found = mistakes(in: text) { root in
            _ = root.int("steps", in: 1...100)
            _ = root.float("learningRate", in: 0...1, default: 0.5)
            let batch = root.sub("batch")
            _ = batch.int("samples", in: 1...64)
            _ = batch.int("slices", in: 1...64)
            _ = batch.bool("dropLast")
        }
        #expect(
            found == [
                "r.yaml:1: steps: 'many' is not a whole number; allowed: "
                    + "a whole number from 1 to 100",
                "r.yaml:2: lerningRate: unknown key, did you mean 'learningRate'?; allowed: "
                    + "steps, learningRate, batch",
                "r.yaml:3: batch.dropLast: is missing; allowed: true or false",
                "r.yaml:4: batch.samples: '0' is out of range; allowed: "
                    + "a whole number from 1 to 64",
                "r.yaml:6: batch.extra: unknown key; allowed: samples, slices, dropLast",
            ])
    }

    @Test(arguments: [
        ("5", true), ("-3", true), ("1_000", true), ("'5'", false), ("5.0", false), ("1e3", false),
        ("0x10", false), ("1001", false), ("99999999999999999999", false), ("[5]", false),
        ("{a: 5}", false), ("", false), ("~", false), ("٣", false), ("--5", false), ("-", false),
    ])
    func `a whole number is plain decimal digits within its range`(text: String, isGood: Bool) {
        let found = mistakes(in: "n: \(text)") { _ = $0.int("n", in: -10...1000) }
        #expect(found.isEmpty == isGood, "\(found)")
    }

    @Test(arguments: [
        ("0.5", true), ("1", true), ("1e-3", true), (".5", true), ("5.0e-1", true),
        ("nan", false), (".nan", false), (".inf", false), ("inf", false), ("1e999", false),
        ("2", false), ("'0.5'", false), ("0x1p-1", false), ("half", false),
    ])
    func `a number is finite, plain and within its range`(text: String, isGood: Bool) {
        let found = mistakes(in: "x: \(text)") { _ = $0.float("x", in: 0...1) }
        #expect(found.isEmpty == isGood, "\(found)")
    }

    @Test(arguments: [
        ("30 s", true), ("250ms", true), ("1.5 min", true), ("0 s", false), ("30", false),
        ("s", false), ("-3 s", false), ("3 weeks", false), ("99999 h", false), ("1e9 s", false),
    ])
    func `a duration has a unit`(text: String, isGood: Bool) {
        let found = mistakes(in: "d: \(text)") {
            _ = $0.duration("d", in: .milliseconds(1)...(.seconds(3600)))
        }
        #expect(found.isEmpty == isGood, "\(found)")
    }

    @Test func `yes and no are no truth values, and quotes make text`() {
        for text in ["yes", "on", "True", "'true'", "1"] {
            #expect(!mistakes(in: "b: \(text)") { _ = $0.bool("b") }.isEmpty, "\(text)")
        }
        #expect(mistakes(in: "b: true\nc: false") { _ = ($0.bool("b"), $0.bool("c")) }.isEmpty)
    }

    @Test func `a wrong choice is told the nearest right one`() {
        let found = mistakes(in: "kind: adamW2") { root in
            _ = root.choice("kind", from: ["sgd", "adamw"])
        }
        #expect(
            found == [
                "r.yaml:1: kind: 'adamW2' is not one of the choices, did you mean 'adamw'?; "
                    + "allowed: sgd, adamw"
            ])
    }

    @Test func `snake case and swapped letters are recognised`() {
        let found = mistakes(in: "learning_rate: 1\nsetps: 2\nzzz: 3") { root in
            _ = root.float("learningRate", in: 0...1, default: 0)
            _ = root.int("steps", in: 0...9, default: 1)
        }
        #expect(found[0].contains("did you mean 'learningRate'?"))
        #expect(found[1].contains("did you mean 'steps'?"))
        #expect(!found[2].contains("did you mean"))
    }

    @Test func `lists and intervals are checked by length, element and order`() {
        let text = "a: [1, 2]\nb: [1, x]\nc: [0.5, 0.2]\nd: [1]\ne: 5"
        let found = mistakes(in: text) { root in
            for key in ["a", "b", "d", "e"] {
                _ = root.ints(key, count: 2...3, in: 0...9)
            }
            _ = root.interval("c", in: 0...1)
        }
        #expect(found.count == 4)
        #expect(found[0].contains("r.yaml:2: b: element 2 'x' is not a whole number"))
        #expect(found[1].contains("r.yaml:3: c: the first number is greater"))
        #expect(found[2].contains("r.yaml:4: d: has 1 elements"))
        #expect(found[3].contains("r.yaml:5: e: is a single value, not a list"))
    }

    @Test func `a section that is a value, and a value that is a section, are mistakes`() {
        let found = mistakes(in: "data: 5\nsteps:\n  a: 1") { root in
            _ = root.sub("data").int("x", in: 0...1, default: 0)
            _ = root.int("steps", in: 0...1)
        }
        #expect(found.count == 2)
        #expect(found[0].contains("data: is a single value, not a section"))
        #expect(found[1].contains("steps: is a section, not a single value"))
    }

    @Test func `text with control characters is refused and not echoed raw`() {
        let found = mistakes(in: #"p: "a\e[31mb""#) { _ = $0.string("p") }
        #expect(found.count == 1)
        #expect(!found[0].contains("\u{1b}"))
    }

    @Test func `an owner's own mistake gets the key's line`() {
        let found = mistakes(in: "a: 1\nwidth: 10") { root in
            _ = (root.int("a", in: 0...9), root.int("width", in: 0...99))
            root.reject("width", "does not divide by heads", allowed: "a multiple of 4")
        }
        #expect(
            found == ["r.yaml:2: width: does not divide by heads; allowed: a multiple of 4"])
    }

    @Test func `a file that is not there, a folder, and no text are told apart`() {
        for (path, reason) in [
            ("/nonexistent/run.yaml", "no such file"), ("/proc", "folder"),
            ("/proc/self/exe", "larger"),
        ] {
            do {
                _ = try RunDocument(contentsOf: path)
                Issue.record("\(path) was read")
            } catch {
                #expect(error.description.contains(reason), "\(error)")
            }
        }
    }
}
