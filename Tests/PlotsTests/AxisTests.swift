import Testing

@testable import Plots

@Suite struct AxisTests {
    @Test func `marks are round, within the range, and as many as one reads`() {
        let range = AxisRange(.linear, of: [0, 97])
        #expect(range.marks == [0, 50, 100])
        #expect(AxisRange(.linear, of: [0.0012, 0.0019]).marks.count >= 3)
        for (low, high) in [(0.0, 1.0), (-3.2, 4.5), (0, 3000), (1e-7, 3e-7), (12.1, 12.2)] {
            let range = AxisRange(.linear, of: [low, high])
            #expect((2...9).contains(range.marks.count), "\(low) to \(high): \(range.marks)")
            #expect(range.marks.allSatisfy { (0...1).contains(range.place(of: $0) ?? -1) })
        }
    }

    @Test func `marks are written with the digits that tell them apart`() {
        let range = AxisRange(.linear, of: [0, 0.9])
        #expect(range.marks.map(range.text(of:)) == ["0.0", "0.2", "0.4", "0.6", "0.8"])
        let steps = AxisRange(.linear, of: [0, 3000])
        #expect(steps.marks.map(steps.text(of:)) == ["0", "1000", "2000", "3000"])
        let tiny = AxisRange(.linear, of: [0, 5e-5])
        #expect(tiny.marks.map(tiny.text(of:)).contains("2e-5"))
    }

    @Test func `a logarithmic axis marks powers of ten, and leaves out what it cannot show`() {
        let range = AxisRange(.logarithmic, of: [0.01, 1, 0, -3, .nan])
        #expect(
            range.marks.map(range.text(of:))
                == ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"])
        #expect(range.place(of: 0) == nil && range.place(of: .nan) == nil)
        let wide = AxisRange(.logarithmic, of: [1e-9, 1e9])
        #expect(wide.marks.count >= 3 && wide.marks.count < 10)
    }

    @Test func `equal values and none at all have a range, too`() {
        for values in [[], [0], [5, 5, 5], [-2], [Double.nan]] {
            let range = AxisRange(.linear, of: values)
            #expect(range.low < range.high)
            #expect(!range.marks.isEmpty, "\(values)")
        }
        #expect(AxisRange(.linear, of: [5, 5]).place(of: 5) == 0.5)
    }
}
