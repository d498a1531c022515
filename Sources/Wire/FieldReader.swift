/// Reads fixed fields, little-endian, and believes nothing: every length is compared with what is
/// there and with its limit before it is used.
///
/// Each read names its field, so that an error can say which one was wrong.
public struct FieldReader: Sendable {
    private let bytes: [UInt8]
    private let limits: WireLimits
    private var offset = 0

    /// A reader at the beginning of `bytes`.
    public init(_ bytes: [UInt8], limits: WireLimits = .standard) {
        self.bytes = bytes
        self.limits = limits
    }

    /// How many bytes have not been read yet.
    public var remaining: Int { bytes.count - offset }

    /// One byte.
    ///
    /// Throws `.truncated`.
    public mutating func u8(_ field: String = "field") throws(WireError) -> UInt8 {
        try integer(field, UInt8.self)
    }

    /// Two bytes.
    ///
    /// Throws `.truncated`.
    public mutating func u16(_ field: String = "field") throws(WireError) -> UInt16 {
        try integer(field, UInt16.self)
    }

    /// Four bytes.
    ///
    /// Throws `.truncated`.
    public mutating func u32(_ field: String = "field") throws(WireError) -> UInt32 {
        try integer(field, UInt32.self)
    }

    /// Eight bytes.
    ///
    /// Throws `.truncated`.
    public mutating func u64(_ field: String = "field") throws(WireError) -> UInt64 {
        try integer(field, UInt64.self)
    }

    /// Eight bytes, two's complement.
    ///
    /// Throws `.truncated`.
    public mutating func i64(_ field: String = "field") throws(WireError) -> Int64 {
        Int64(bitPattern: try integer(field, UInt64.self))
    }

    /// Four bytes, any bits (also NaN).
    ///
    /// Throws `.truncated`.
    public mutating func f32(_ field: String = "field") throws(WireError) -> Float {
        Float(bitPattern: try integer(field, UInt32.self))
    }

    /// Eight bytes, any bits (also NaN).
    ///
    /// Throws `.truncated`.
    public mutating func f64(_ field: String = "field") throws(WireError) -> Double {
        Double(bitPattern: try integer(field, UInt64.self))
    }

    /// One byte that must be 0 or 1.
    ///
    /// Throws `.truncated` or `.invalidValue`.
    public mutating func bool(_ field: String = "field") throws(WireError) -> Bool {
        let value = try u8(field)
        guard value <= 1 else { throw .invalidValue(field: field, value: UInt64(value)) }
        return value == 1
    }

    /// A u32 count of items that follow.
    ///
    /// - Parameters:
    ///   - limit: the most items allowed; by default the limits' `maxCount`.
    ///   - itemBytes: the least bytes an item takes, so that a forged count cannot make the
    ///     caller reserve room for items that are not there.
    /// - Throws: `.truncated` or `.overLimit`.
    public mutating func count(
        _ field: String = "count", limit: Int? = nil, itemBytes: Int = 1
    ) throws(WireError) -> Int {
        let value = Int(try u32(field))
        let allowed = limit ?? limits.maxCount
        guard value <= allowed else {
            throw .overLimit(field: field, value: UInt64(value), limit: allowed)
        }
        let (needed, overflow) = value.multipliedReportingOverflow(by: itemBytes)
        guard !overflow, needed <= remaining else {
            throw .truncated(
                field: field, needed: overflow ? .max : needed, available: remaining)
        }
        return value
    }

    /// A u32 length and UTF-8 text.
    ///
    /// - Throws: `.truncated`, `.overLimit` (`maxStringBytes` unless `limit` is given) or
    ///   `.invalidText`.
    public mutating func string(
        _ field: String = "text", limit: Int? = nil
    ) throws(WireError) -> String {
        let raw = try bytes(field, limit: limit ?? limits.maxStringBytes)
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw .invalidText(field: field)
        }
        return text
    }

    /// A u32 length and bytes.
    ///
    /// Throws `.truncated` or `.overLimit`.
    public mutating func bytes(
        _ field: String = "bytes", limit: Int? = nil
    ) throws(WireError) -> [UInt8] {
        try raw(field, count: try count(field, limit: limit ?? limits.maxFieldsBytes))
    }

    /// Exactly `count` bytes.
    ///
    /// Throws `.truncated`.
    ///
    /// - Precondition: `count` is not negative.
    public mutating func raw(
        _ field: String = "bytes", count: Int
    ) throws(WireError) -> [UInt8] {
        precondition(count >= 0, "a count of bytes is not negative")
        guard count <= remaining else {
            throw .truncated(field: field, needed: count, available: remaining)
        }
        defer { offset += count }
        return Array(bytes[offset..<(offset + count)])
    }

    /// Refuses bytes after the last field.
    ///
    /// Throws `.trailingBytes`.
    public func finish() throws(WireError) {
        guard remaining == 0 else { throw .trailingBytes(remaining) }
    }

    private mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(
        _ field: String, _ type: Value.Type
    ) throws(WireError) -> Value {
        let size = Value.bitWidth / 8
        guard size <= remaining else {
            throw .truncated(field: field, needed: size, available: remaining)
        }
        var value: Value = 0
        for index in 0..<size {
            value |= Value(bytes[offset + index]) << Value(8 * index)
        }
        offset += size
        return value
    }
}
