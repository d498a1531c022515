import Buffers
import Tensors
import Testing

@Suite struct TapeTests {
    @Test func `gradients that meet in one variable are added`() {
        let tape = Tape()
        let x = tape.leaf(Tensor([1, 2, 3], shape: [3]))
        let y = x * x + x
        let gradient = tape.gradients(of: [(y.sum(), Tensor(1))], for: [x])[0]
        #expect(gradient.values == [3, 5, 7])
    }

    @Test func `a variable that the result does not depend on has the gradient zero`() {
        let tape = Tape()
        let (x, y) = (tape.leaf(Tensor([1, 2], shape: [2])), tape.leaf(Tensor([3], shape: [1])))
        let constant = tape.constant(Tensor(5))
        let gradients = tape.gradients(
            of: [((2 * x), Tensor([1, 1], shape: [2]))],
            for: [
                x, y, constant,
            ])
        #expect(gradients.map(\.values) == [[2, 2], [0], [0]])
    }

    @Test func `the gradient of a result in the middle can be asked for`() {
        let tape = Tape()
        let x = tape.leaf(Tensor([1, 2], shape: [2]))
        let middle = 3 * x
        let gradients = tape.gradients(
            of: [((middle * middle).sum(), Tensor(1)), (middle, Tensor([1, 10], shape: [2]))],
            for: [middle, x])
        #expect(gradients.map(\.values) == [[7, 22], [21, 66]])
    }

    @Test func `no gradient flows through a detached variable`() {
        let tape = Tape()
        let x = tape.leaf(Tensor([2, 3], shape: [2]))
        let gradient = tape.gradients(of: [((x * x.detached()).sum(), Tensor(1))], for: [x])[0]
        #expect(gradient.values == [2, 3])
    }

    @Test func `gradients leave the cotangent of the caller as it was`() {
        let tape = Tape()
        let x = tape.leaf(Tensor([2, 3], shape: [2]))
        let cotangent = Tensor([1, 2], shape: [2])
        let other = tape.leaf(Tensor([1, 1], shape: [2]))
        let gradients = tape.gradients(
            of: [(exp(x) + gelu(x) + other, cotangent)], for: [x, other])
        #expect(cotangent.values == [1, 2])
        #expect(gradients[1].values == [1, 2])
    }

    @Test func `a steady step allocates nothing and repeats its bits`() {
        let pool = BufferPool()
        let images = sample([4, 1, 28, 28], 1)
        let network = SmallTransformer(seed: 3)
        let first = network.step(images, pool: pool)
        let allocations = pool.counts.allocations
        #expect(allocations > 0)
        for _ in 0..<3 {
            let again = network.step(images, pool: pool)
            #expect(zip(first, again).allSatisfy { $0.isBitIdentical(to: $1) })
        }
        // `first` is still held, so one step's gradients may be allocated once more.
        let held = pool.counts.allocations
        #expect(held <= allocations + first.count)
        _ = network.step(images, pool: pool)
        #expect(pool.counts.allocations == held)
    }

    @Test func `each operation gives a sign of life`() {
        let tape = Tape()
        var ticks = 0
        tape.progress = { ticks += 1 }
        let x = tape.leaf(Tensor([2, 3], shape: [2]))
        let y = exp(x) + x
        #expect(ticks == 2)
        _ = tape.gradients(of: [(y, Tensor([1, 1], shape: [2]))], for: [x])
        #expect(ticks == 4)
    }

    @Test func `a tape that gave its gradients takes no operation`() async {
        await #expect(processExitsWith: .failure) {
            let tape = Tape()
            let x = tape.leaf(Tensor(1))
            _ = tape.gradients(of: [(x, Tensor(1))], for: [x])
            _ = exp(x)
        }
    }
}

/// A transformer of one block for 7 x 7 patches, put together from the operations.
struct SmallTransformer {
    let parameters: [Tensor]
    static let (width, patch, heads) = (32, 7, 2)

    init(seed: UInt64) {
        let w = Self.width
        let shapes: [Shape] = [
            [w, 49], [w], [16, w], [w], [w], [3 * w, w], [3 * w], [w, w], [w], [w], [w],
            [4 * w, w], [4 * w], [w, 4 * w], [w], [w], [w],
        ]
        parameters = shapes.enumerated().map { sample($1, seed + UInt64($0), from: -0.2, to: 0.2) }
    }

    /// The features of images, `[B, width]`.
    func features(_ images: Variable, _ p: [Variable]) -> Variable {
        let patches = unfoldedPatches(images, size: Self.patch)
        var x = addBroadcast(linear(patches, weight: p[0], bias: p[1]), p[2])
        let normal = layerNorm(x, weight: p[3], bias: p[4])
        let qkv = linear(normal, weight: p[5], bias: p[6])
        x = x + linear(selfAttention(qkv, heads: Self.heads), weight: p[7], bias: p[8])
        let hidden = gelu(
            linear(layerNorm(x, weight: p[9], bias: p[10]), weight: p[11], bias: p[12]))
        x = x + linear(hidden, weight: p[13], bias: p[14])
        return meanOverTokens(layerNorm(x, weight: p[15], bias: p[16]))
    }

    /// The gradients of the features' sum with respect to all parameters.
    func step(_ images: Tensor, pool: BufferPool) -> [Tensor] {
        let tape = Tape(pool: pool)
        let p = parameters.map(tape.leaf)
        let z = features(tape.constant(images), p)
        return tape.gradients(of: [(z, Tensor(repeating: 1, shape: z.shape))], for: p)
    }
}
