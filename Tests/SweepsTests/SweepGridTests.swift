import RunFiles
import Testing

@testable import Sweeps

@Suite struct SweepGridTests {
    private func grid(_ texts: String...) throws -> SweepGrid {
        var axes: [SweepGrid.Axis] = []
        for text in texts { axes.append(try SweepGrid.Axis(text)) }
        return try SweepGrid(axes)
    }

    @Test func `every combination is a run, the last key moving fastest`() throws {
        let grid = try grid("mlcd.rate=0.1,1", "seed=0,1,2")
        #expect(
            grid.runs.map(\.name) == [
                "mlcd.rate=0.1,seed=0", "mlcd.rate=0.1,seed=1", "mlcd.rate=0.1,seed=2",
                "mlcd.rate=1,seed=0", "mlcd.rate=1,seed=1", "mlcd.rate=1,seed=2",
            ])
        #expect(
            grid.runs[3].settings == [KeySetting("mlcd.rate", "1"), KeySetting("seed", "0")])
    }

    @Test func `commas in brackets and quotes part nothing`() throws {
        let axis = try SweepGrid.Axis("network.blocks=[1, 2],[3,4], \"a,b\"")
        #expect(axis.values == ["[1, 2]", "[3,4]", "\"a,b\""])
        let names = try SweepGrid([axis]).runs.map(\.name)
        #expect(names[0] == "network.blocks=_1,_2_")
        #expect(names.allSatisfy { !$0.contains("/") && !$0.contains(" ") })
    }

    @Test func `a sweep over nothing is the run as it stands`() throws {
        #expect(try SweepGrid([]).runs.map(\.name) == ["as-it-stands"])
    }

    @Test func `what is no sweep is refused in words`() throws {
        for (texts, words) in [
            (["rate"], "KEY=VALUE"), (["=1"], "KEY=VALUE"), (["rate="], "empty value"),
            (["rate=1,,2"], "empty value"), (["rate=1,1"], "twice"),
            (["rate=1", "rate=2"], "set twice"), (["name=a b,a/b"], "file names"),
            (["name=" + String(repeating: "x", count: 300)], "bytes"),
        ] {
            let error = #expect(throws: SweepError.self) {
                try SweepGrid(texts.map { try SweepGrid.Axis($0) })
            }
            #expect(error?.description.contains(words) == true, "\(texts): \(error as Any)")
        }
        let many = (0..<200).map(String.init).joined(separator: ",")
        #expect(throws: SweepError.self) { try grid("a=\(many)", "b=\(many)") }
    }
}
