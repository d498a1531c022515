internal import Buffers
public import Tensors
public import Wire

extension WireTensor {
    /// A tensor as it travels: the same memory under a name.
    public init(name: String, tensor: Tensor) {
        self.init(
            name: name, type: .f32, dims: tensor.shape.dims, buffer: tensor.buffer,
            byteOffset: tensor.byteOffset)
    }

    /// Doubles as they travel, shape `[count]`.
    public init(name: String, doubles: [Double]) {
        let buffer = AlignedBuffer(uninitializedByteCount: 8 * doubles.count)
        var halves = buffer.mutableFloats
        for (index, value) in doubles.enumerated() {
            // Little-endian: the lower half first. Only bits are moved, so NaNs stay as they are.
            let bits = value.bitPattern
            halves[2 * index] = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
            halves[2 * index + 1] = Float(bitPattern: UInt32(truncatingIfNeeded: bits >> 32))
        }
        self.init(name: name, type: .f64, dims: [doubles.count], buffer: buffer)
    }

    /// The elements of a tensor of doubles, row-major.
    ///
    /// - Throws: a refusal `malformedBody` if the type is another one.
    public func doubles() throws(Refusal) -> [Double] {
        guard type == .f64, byteOffset % 4 == 0 else {
            throw Refusal(.malformedBody, "tensor \(name) is not of type f64")
        }
        let halves = buffer.floats
        let start = byteOffset / 4
        return (0..<(byteCount / 8)).map { index in
            let low = UInt64(halves[start + 2 * index].bitPattern)
            let high = UInt64(halves[start + 2 * index + 1].bitPattern)
            return Double(bitPattern: high << 32 | low)
        }
    }
}

extension Tensor {
    /// A tensor over the memory into which it was received, without a copy.
    ///
    /// - Throws: a refusal `malformedBody` if it is not of type f32.
    public init(wire: WireTensor) throws(Refusal) {
        guard wire.type == .f32, wire.byteOffset % 4 == 0 else {
            throw Refusal(.malformedBody, "tensor \(wire.name) is not of type f32")
        }
        guard let shape = Shape(checking: wire.dims) else {
            throw Refusal(.malformedBody, "tensor \(wire.name) cannot have shape \(wire.dims)")
        }
        self.init(viewing: wire.buffer, byteOffset: wire.byteOffset, shape: shape)
    }

    /// The floats of a tensor of type bf16, in memory of their own.
    ///
    /// - Throws: a refusal `malformedBody` if it is of another type.
    public init(wireBFloat16 wire: WireTensor) throws(Refusal) {
        guard wire.type == .bf16, wire.byteOffset % 2 == 0 else {
            throw Refusal(.malformedBody, "tensor \(wire.name) is not of type bf16")
        }
        guard let shape = Shape(checking: wire.dims) else {
            throw Refusal(.malformedBody, "tensor \(wire.name) cannot have shape \(wire.dims)")
        }
        self.init(bfloat16: wire.buffer, byteOffset: wire.byteOffset, shape: shape)
    }
}

extension NamedTensors {
    /// The tensors as they travel, in order.
    public var wireTensors: [WireTensor] {
        entries.map { WireTensor(name: $0.name, tensor: $0.tensor) }
    }

    /// The tensors of a message's body, in order, without a copy.
    ///
    /// - Throws: a refusal `malformedBody` if one is not f32, a name comes twice, or there are
    ///   more than `MessageLimits.tensors`.
    public init(wire tensors: [WireTensor]) throws(Refusal) {
        guard tensors.count <= MessageLimits.tensors else {
            throw Refusal(.malformedBody, "\(tensors.count) tensors are too many")
        }
        self.init()
        var names = Set<String>()
        for tensor in tensors {
            guard names.insert(tensor.name).inserted else {
                throw Refusal(.malformedBody, "tensor \(tensor.name) comes twice")
            }
            append(tensor.name, try Tensor(wire: tensor))
        }
    }
}
