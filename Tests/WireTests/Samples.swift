import Buffers
import Wire

/// A buffer that holds `bytes`.
func buffer(_ bytes: [UInt8]) -> AlignedBuffer { BufferSlice(copying: bytes).buffer }

/// `count` bytes that differ from place to place.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
}

/// A tensor of bytes that holds a pattern.
func byteTensor(_ name: String, _ count: Int, seed: UInt64 = 1) -> WireTensor {
    WireTensor(name: name, type: .u8, dims: [count], buffer: buffer(pattern(count, seed: seed)))
}

/// A message with fields and tensors of every type, small enough to damage bit by bit.
func smallMessage() -> WireMessage {
    let tensors = [
        WireTensor(name: "z", type: .f32, dims: [2, 3], buffer: buffer(pattern(24))),
        WireTensor(name: "scalar", type: .f64, dims: [], buffer: buffer(pattern(8))),
        WireTensor(name: "leer", type: .i32, dims: [0, 5], buffer: buffer([])),
        WireTensor(name: "größe", type: .i64, dims: [1], buffer: buffer(pattern(8, seed: 2))),
        WireTensor(name: "bytes", type: .u8, dims: [3], buffer: buffer([7, 8, 9])),
    ]
    return WireMessage(
        kind: 0x0102, flags: FrameHeader.mustUnderstand, incarnation: 0x1122_3344_5566_7788,
        requestID: 42, step: 1_000_000, slice: 7,
        body: MessageBody(fields: [1, 2, 3, 4, 5], tensors: tensors))
}

/// Whether two messages agree in everything that travels.
func isSame(_ one: WireMessage, _ other: WireMessage) -> Bool {
    one.kind == other.kind && one.flags == other.flags && one.incarnation == other.incarnation
        && one.requestID == other.requestID && one.step == other.step && one.slice == other.slice
        && one.body.fields == other.body.fields
        && one.body.tensors.count == other.body.tensors.count
        && zip(one.body.tensors, other.body.tensors).allSatisfy { mine, theirs in
            mine.name == theirs.name && mine.type == theirs.type && mine.dims == theirs.dims
                && slice(mine).hasSameBytes(as: slice(theirs))
        }
}

/// The bytes of a tensor.
func slice(_ tensor: WireTensor) -> BufferSlice {
    BufferSlice(tensor.buffer, byteOffset: tensor.byteOffset, byteCount: tensor.byteCount)
}
