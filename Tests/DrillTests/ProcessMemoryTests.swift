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
        #expect(
            grown == MemoryGrowth(name: "w1", seconds: 300, heldKiB: 50_000, growthKiB: 0))
    }

    @Test func `a steady leak shows, whatever comes and goes beside it`() throws {
        let steady = try #require(growth(of: 660) { 100_000 + 10 * $0 })
        // 6000 KiB in 600 s, on 103,600 KiB in the middle.
        #expect(steady.fraction > 0.057 && steady.fraction < 0.059)
        let uneasy = try #require(
            growth(of: 660) { second in
                let need = second % 40 < 11 ? 30_000 : second % 97 == 0 ? -20_000 : 0
                return 100_000 + 10 * second + need
            })
        #expect(uneasy.fraction > 0.05 && uneasy.fraction < 0.065)
    }

    @Test func `what leaks at every fault shows as well`() throws {
        let grown = try #require(growth(of: 660) { 100_000 + 250 * ($0 / 25) })
        #expect(grown.fraction > 0.055 && grown.fraction < 0.06)
    }

    @Test func `what is needed for a while does not count, at the end neither`() {
        let grown = growth(of: 300) { $0 % 15 > 2 || $0 > 260 ? 90_000 : 50_000 }
        #expect(grown?.fraction == 0 && grown?.heldKiB == 50_000)
    }

    @Test func `nor does what is missing for a moment at the beginning`() {
        let grown = growth(of: 300) { (80...82).contains($0) || $0 == 250 ? 50_000 : 90_000 }
        #expect(grown?.fraction == 0)
    }

    @Test func `a life that is too short tells nothing`() {
        #expect(growth(of: 239) { _ in 1000 } == nil)
        #expect(growth(of: 240) { _ in 1000 } != nil)
    }

    @Test func `a process that was not looked at for a while held what it held before`() throws {
        var memory = ProcessMemory(name: "w1")
        for second in 0...300 where !(120...200).contains(second) {
            memory.note(residentKiB: second < 120 ? 1000 : 1100, at: Double(second))
        }
        let grown = try #require(memory.growth)
        #expect(grown.heldKiB == 1000 && grown.fraction >= 0)
    }
}
