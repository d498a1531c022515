import Datasets
import Testing

struct NumericsFingerprintTests {
    @Test func `it is the same whenever it is taken`() {
        #expect(NumericsFingerprint.digest() == NumericsFingerprint.digest())
    }
}
