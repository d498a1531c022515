@testable import Kernels
import Testing

@Suite struct NumericsEnvironmentTests {
    @Test func `kernels for another core are refused with the remedy`() {
        #expect(throws: NumericsError.wrongCore(found: "SkylakeX", wanted: ["Haswell", "Zen"])) {
            try NumericsEnvironment.check(core: "SkylakeX")
        }
        let text = NumericsError.wrongCore(found: "SkylakeX", wanted: ["Haswell"]).description
        #expect(text.contains("OPENBLAS_CORETYPE=Haswell"))
    }

    @Test(arguments: ["Haswell", "Zen", "ZEN", "HASWELL"])
    func `the cores that give equal bits are accepted`(_ core: String) throws {
        try NumericsEnvironment.check(core: core)
    }

    @Test func `a processor without FMA is refused`() throws {
        #expect(throws: NumericsError.missingInstructions("FMA")) {
            try NumericsEnvironment.check(processorFlags: "flags : sse2 avx avx2 bmi2")
        }
        try NumericsEnvironment.check(processorFlags: "flags : fma avx2")
        try NumericsEnvironment.check(processorFlags: nil)
    }

    @Test func `the canary repeats its words and notices what differs`() {
        let words = NumericsCanary.words()
        #expect(words == NumericsCanary.words())
        #expect(words.count > 500)
        #expect(Set(words).count > words.count / 2)
    }

    /// The words of our own kernels are the same on every machine with the required core; they
    /// change only when a kernel's bits do, and then every run's bits change.
    @Test(.enabled(if: NumericsEnvironment.coreName == "Haswell"))
    func `the canary of the Haswell kernels is the one that was recorded`() {
        let folded = NumericsCanary.words().reduce(UInt32(0x811c_9dc5)) {
            ($0 ^ $1) &* 0x0100_0193
        }
        #expect(folded == recordedCanary, "now \(folded)")
    }
}

private let recordedCanary: UInt32 = 1_893_098_549
