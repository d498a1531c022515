import Testing

@testable import Drill

@Suite struct ProcessMemoryTests {
    /// A life of so many seconds with the memory that `size` gives, second after second.
    private func growth(of seconds: Int, _ size: (Int) -> Int) -> MemoryGrowth? {
        var memory = ProcessMemory(name: "w1")
        for second in 0...seconds {
            memory.note(residentKiB: size(second), at: 50 + Double(second))
        }
        return memory.growth
    }

    @Test func `growth counts from the end of the warm-up`() {
        let grown = growth(of: 300) { $0 < 40 ? 10_000 + 1000 * $0 : 50_000 }
        let window = MemoryWindow(leastKiB: 50_000, medianKiB: 50_000)
        #expect(grown?.from == window && grown?.to == window && grown?.fraction == 0)
        #expect(grown?.seconds == 300)
    }

    @Test func `a steady leak shows`() throws {
        let grown = try #require(growth(of: 660) { 100_000 + 10 * $0 })
        // From second 60 to second 460.
        #expect(grown.fraction > 0.039 && grown.fraction < 0.041)
    }

    @Test func `what is needed for a while does not count, at the end neither`() {
        let grown = growth(of: 300) { $0 % 60 > 5 ? 90_000 : 50_000 }
        #expect(grown?.fraction == 0 && grown?.to.medianKiB == 90_000)
    }

    @Test func `nor does what is missing for a moment at the beginning`() {
        let grown = growth(of: 300) { (80...82).contains($0) || $0 == 250 ? 50_000 : 90_000 }
        #expect(grown?.fraction == 0)
    }

    @Test func `a life that is too short tells nothing`() {
        #expect(growth(of: 239) { _ in 1000 } == nil)
        #expect(growth(of: 240) { _ in 1000 } != nil)
    }
}
