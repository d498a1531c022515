import Buffers
import Testing

@Suite struct CRC32CTests {
    @Test func `CRC-32C gives the check value, in pieces at any cut too`() {
        let bytes = Array("123456789".utf8)
        #expect(CRC32C.checksum(bytes) == 0xe306_9283)
        #expect(CRC32C.checksum([]) == 0)
        let long = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 5) }
        let whole = CRC32C.checksum(long)
        var bitwise = UInt32.max
        for byte in long {
            bitwise ^= UInt32(byte)
            for _ in 0..<8 {
                bitwise = bitwise & 1 == 1 ? bitwise >> 1 ^ 0x82f6_3b78 : bitwise >> 1
            }
        }
        #expect(whole == ~bitwise)
        for cut in 0...long.count {
            let head = CRC32C.checksum(Array(long[..<cut]))
            #expect(CRC32C.checksum(Array(long[cut...]), continuing: head) == whole)
        }
    }
}
