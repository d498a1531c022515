import Testing
import Wire

@Suite struct FieldTests {
    private func allFields() -> [UInt8] {
        var writer = FieldWriter()
        writer.u8(0xfe)
        writer.u16(0xfedc)
        writer.u32(0xfedc_ba98)
        writer.u64(0xfedc_ba98_7654_3210)
        writer.i64(-2)
        writer.f32(-0.5)
        writer.f64(.pi)
        writer.bool(true)
        writer.string("größer")
        writer.bytes([1, 2, 3])
        writer.raw([9, 9])
        return writer.bytes
    }

    @Test func `what a writer writes a reader reads`() throws {
        var reader = FieldReader(allFields())
        #expect(try reader.u8() == 0xfe)
        #expect(try reader.u16() == 0xfedc)
        #expect(try reader.u32() == 0xfedc_ba98)
        #expect(try reader.u64() == 0xfedc_ba98_7654_3210)
        #expect(try reader.i64() == -2)
        #expect(try reader.f32() == -0.5)
        #expect(try reader.f64() == .pi)
        #expect(try reader.bool())
        #expect(try reader.string() == "größer")
        #expect(try reader.bytes() == [1, 2, 3])
        #expect(try reader.raw(count: 2) == [9, 9])
        try reader.finish()
    }

    @Test func `integers are little-endian`() {
        var writer = FieldWriter()
        writer.u32(0x0102_0304)
        #expect(writer.bytes == [4, 3, 2, 1])
    }

    @Test func `NaN bits survive`() throws {
        var writer = FieldWriter()
        writer.f32(Float(bitPattern: 0x7fa0_0001))
        var reader = FieldReader(writer.bytes)
        #expect(try reader.f32().bitPattern == 0x7fa0_0001)
    }

    @Test func `every truncation of a field list is refused`() {
        let whole = allFields()
        for count in 0..<whole.count {
            #expect(throws: WireError.self) {
                var reader = FieldReader(Array(whole[..<count]))
                _ = try (reader.u8(), reader.u16(), reader.u32(), reader.u64(), reader.i64())
                _ = try (reader.f32(), reader.f64(), reader.bool(), reader.string())
                _ = try (reader.bytes(), reader.raw(count: 2))
            }
        }
    }

    @Test func `a forged length reserves nothing`() {
        let forged: [UInt8] = [0xff, 0xff, 0xff, 0xff, 1]
        #expect(throws: WireError.self) {
            var reader = FieldReader(forged)
            _ = try reader.bytes("blob")
        }
        #expect(throws: WireError.truncated(field: "blob", needed: 1000, available: 1)) {
            var reader = FieldReader([0xe8, 3, 0, 0, 1])
            _ = try reader.bytes("blob")
        }
        #expect(throws: WireError.overLimit(field: "items", value: 9, limit: 8)) {
            var reader = FieldReader([9, 0, 0, 0])
            _ = try reader.count("items", limit: 8)
        }
        #expect(throws: WireError.truncated(field: "items", needed: 64, available: 1)) {
            var reader = FieldReader([8, 0, 0, 0, 1])
            _ = try reader.count("items", itemBytes: 8)
        }
    }

    @Test func `a flag is 0 or 1, text is UTF-8, and nothing may be left`() {
        #expect(throws: WireError.invalidValue(field: "flag", value: 2)) {
            var reader = FieldReader([2])
            _ = try reader.bool("flag")
        }
        #expect(throws: WireError.invalidText(field: "name")) {
            var reader = FieldReader([2, 0, 0, 0, 0xc3, 0x28])
            _ = try reader.string("name")
        }
        #expect(throws: WireError.trailingBytes(2)) { try FieldReader([1, 2]).finish() }
    }
}
