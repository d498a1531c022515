/// Writes the fixed fields of a message, little-endian, one after the other.
///
/// The mirror of `FieldReader`: what one writes the other reads, field by field.
public struct FieldWriter: Sendable {
    /// What has been written so far.
    public private(set) var bytes: [UInt8] = []

    /// An empty list of fields.
    public init() {}

    /// One byte.
    public mutating func u8(_ value: UInt8) { bytes.append(value) }
    /// Two bytes.
    public mutating func u16(_ value: UInt16) { integer(value) }
    /// Four bytes.
    public mutating func u32(_ value: UInt32) { integer(value) }
    /// Eight bytes.
    public mutating func u64(_ value: UInt64) { integer(value) }
    /// Eight bytes, two's complement.
    public mutating func i64(_ value: Int64) { integer(value) }
    /// Four bytes, the bits of the value.
    public mutating func f32(_ value: Float) { integer(value.bitPattern) }
    /// Eight bytes, the bits of the value.
    public mutating func f64(_ value: Double) { integer(value.bitPattern) }
    /// One byte, 0 or 1.
    public mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// A count as u32, to be followed by that many items.
    ///
    /// - Precondition: the count is not negative and fits.
    public mutating func count(_ value: Int) {
        precondition(value >= 0 && value <= Int(UInt32.max), "a count on the wire is a u32")
        u32(UInt32(value))
    }

    /// A u32 length and the UTF-8 bytes.
    public mutating func string(_ value: String) { bytes(Array(value.utf8)) }

    /// A u32 length and the bytes.
    public mutating func bytes(_ value: [UInt8]) {
        count(value.count)
        bytes.append(contentsOf: value)
    }

    /// The bytes alone: their number is fixed by the message's layout.
    public mutating func raw(_ value: [UInt8]) { bytes.append(contentsOf: value) }

    private mutating func integer(_ value: some FixedWidthInteger) {
        var rest = value.littleEndian
        for _ in 0..<(value.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }
}
