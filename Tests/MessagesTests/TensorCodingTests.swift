import Buffers
import Identity
import Messages
import Optimizers
import Tensors
import Testing
import Wire

@Suite struct TensorCodingTests {
    @Test func `a tensor travels in its own memory`() throws {
        let tensor = Tensor([1, -0.0, .nan, .infinity], shape: [2, 2])
        let wire = WireTensor(name: "x", tensor: tensor)
        #expect(wire.buffer === tensor.buffer)
        let back = try Tensor(wire: wire)
        #expect(back.buffer === tensor.buffer)
        #expect(back.isBitIdentical(to: tensor))
    }

    @Test func `doubles keep their bits`() throws {
        let values = [
            0.1, -0.0, .nan, .infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude,
            Double(nan: 5, signaling: true),
        ]
        let back = try WireTensor(name: "d", doubles: values).doubles()
        #expect(back.map(\.bitPattern) == values.map(\.bitPattern))
    }

    @Test func `another type is refused`() {
        let wire = WireTensor(name: "d", doubles: [1])
        #expect(throws: Refusal.self) { try Tensor(wire: wire) }
        let floats = WireTensor(name: "f", tensor: Tensor(zeros: [2]))
        #expect(throws: Refusal.self) { try floats.doubles() }
    }

    @Test func `a result comes back as it went`() throws {
        let result = GoldenFrame.result
        let back = try SliceResult(wire: result.wireTensors)
        #expect(back.digest == result.digest)
        #expect(back.sums == result.sums)
        #expect(back.rows.entries.map(\.name) == ["keys"])
    }

    @Test func `a rounded result travels in two bytes a number and comes back the same`() throws {
        let result = GoldenFrame.roundedResult
        let wire = result.wireTensors
        #expect(wire[0].type == .bf16)
        #expect(wire[0].byteCount == 6)
        #expect(result.byteCount == wire.reduce(0) { $0 + $1.byteCount })
        let back = try SliceResult(wire: wire)
        #expect(back.precision == .bf16)
        #expect(back.gradient.isBitIdentical(to: result.gradient))
        #expect(back.digest == result.digest)
        #expect(back.digest != GoldenFrame.result.digest)
    }

    @Test func `a result with missing, repeated or misplaced tensors is refused`() {
        let tensors = GoldenFrame.result.wireTensors
        for missing in 0..<2 {
            var some = tensors
            some.remove(at: missing)
            #expect(throws: Refusal.self) { try SliceResult(wire: some) }
        }
        #expect(throws: Refusal.self) { try SliceResult(wire: tensors + [tensors[2]]) }
        #expect(throws: Refusal.self) { try SliceResult(wire: tensors + [tensors[3]]) }
        #expect(throws: Refusal.self) { try SliceResult(wire: tensors.reversed()) }
        let stray = WireTensor(name: "other", tensor: Tensor(zeros: [1, 1]))
        #expect(throws: Refusal.self) { try SliceResult(wire: tensors + [stray]) }
        #expect(throws: Refusal.self) { try SliceResult(wire: []) }
    }

    @Test func `the digest tells names, shapes and bits apart`() {
        let digests = [
            NamedTensors(["a": Tensor([1, 2], shape: [2])]),
            NamedTensors(["b": Tensor([1, 2], shape: [2])]),
            NamedTensors(["a": Tensor([1, 2], shape: [1, 2])]),
            NamedTensors(["a": Tensor([1, -2], shape: [2])]),
            NamedTensors(["a": Tensor([0, 2], shape: [2])]),
            NamedTensors(["a": Tensor([-0.0, 2], shape: [2])]),
            NamedTensors(),
        ].map(\.digest)
        #expect(Set(digests).count == digests.count)
    }

    @Test func `the digest is that of the document`() {
        // u32 1 | "a" | f32, rank 1 | 2 | 1.0 2.0
        let bytes: [UInt8] =
            [1, 0, 0, 0, 1, 0, 0, 0, 0x61, 1, 1] + [2, 0, 0, 0, 0, 0, 0, 0]
            + [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]
        let tensors = NamedTensors(["a": Tensor([1, 2], shape: [2])])
        #expect(tensors.digest == sha256(bytes))
    }

    @Test func `a view in the middle of a buffer has the digest of its part`() {
        let whole = Tensor([9, 1, 2, 9], shape: [4])
        let part = NamedTensors(["a": whole.rows(1..<3)])
        #expect(part.digest == NamedTensors(["a": Tensor([1, 2], shape: [2])]).digest)
    }
}
