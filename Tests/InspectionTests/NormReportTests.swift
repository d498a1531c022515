import Testing

@testable import Inspection

@Suite struct NormReportTests {
    @Test(arguments: [
        [Float](arrayLiteral: 0.1, 0.12, 0.5, 1, 1.05), [3, 3, 3], [0, 0], [0, 1e-7, 1e30],
        [0.3], (0..<1000).map { 0.2 + Float($0) / 7000 }, [1e-38, 2e-38], [5e5, 5.01e5],
    ])
    func `every row is in one bin, and bins follow each other`(norms: [Float]) {
        let report = NormReport(norms)
        let bins = report.histogram
        #expect(bins.count >= 1 && bins.count <= NormReport.binsMax)
        #expect(bins.reduce(0) { $0 + $1.rows } == norms.count)
        for (bin, next) in zip(bins, bins.dropFirst()) { #expect(bin.to == next.from) }
        for bin in bins {
            let inside = norms.count { bin.from <= Double($0) && Double($0) < bin.to }
            #expect(inside == bin.rows)
        }
        #expect(report.least == norms.min() && report.greatest == norms.max())
        #expect(report.median == norms.sorted()[norms.count / 2])
    }

    @Test func `edges are round decimals`() {
        let bins = NormReport((0..<100).map { 0.11 + Float($0) / 143 }).histogram
        #expect(bins.first?.from == 0.1)
        #expect(bins.contains { $0.from == 0.3 && $0.to == 0.35 }, "\(bins)")
    }

    @Test func `lengths that are no numbers are counted and left out`() {
        let report = NormReport([1, .nan, 2, .infinity])
        #expect(report.notFiniteCount == 2)
        #expect(report.greatest == 2 && report.mean == 1.5)
        #expect(report.histogram.reduce(0) { $0 + $1.rows } == 2)
        let nothing = NormReport([.nan])
        #expect(nothing.notFiniteCount == 1 && nothing.histogram.isEmpty)
    }
}
