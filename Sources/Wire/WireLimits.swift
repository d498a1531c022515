/// The most that a decoder accepts from the wire; checked before anything is allocated.
public struct WireLimits: Equatable, Sendable {
    /// The whole body of a message, fields and tensors, in bytes.
    public var maxBodyBytes: Int
    /// The fixed fields of a message, in bytes.
    public var maxFieldsBytes: Int
    /// The tensors of a message.
    public var maxTensors: Int
    /// The dimensions of a tensor.
    public var maxRank: Int
    /// A tensor's name, in UTF-8 bytes.
    public var maxNameBytes: Int
    /// A text field, in UTF-8 bytes.
    public var maxStringBytes: Int
    /// The items of a list, where the message's layout sets no tighter limit.
    public var maxCount: Int

    /// Limits; every default is that of `standard`.
    public init(
        maxBodyBytes: Int = 1 << 30, maxFieldsBytes: Int = 16 << 20, maxTensors: Int = 65_536,
        maxRank: Int = 8, maxNameBytes: Int = 1024, maxStringBytes: Int = 1 << 16,
        maxCount: Int = 1 << 22
    ) {
        self.maxBodyBytes = maxBodyBytes
        self.maxFieldsBytes = maxFieldsBytes
        self.maxTensors = maxTensors
        self.maxRank = maxRank
        self.maxNameBytes = maxNameBytes
        self.maxStringBytes = maxStringBytes
        self.maxCount = maxCount
    }

    /// 1 GiB a body (a million rows of 256 floats), 16 MiB of fields, 65,536 tensors of rank 8.
    public static let standard = WireLimits()
}
