internal import Buffers
internal import Kernels
internal import Synchronization
internal import Tensors

/// One product C `[m, n]` = op(A) op(B) over k of a network's step.
struct ProductShape: Sendable {
    /// Where it comes from.
    let use: String
    let m: Int
    let n: Int
    let k: Int
    let transA: Transposition
    let transB: Transposition

    private init(
        _ use: String, _ m: Int, _ n: Int, _ k: Int, transA: Transposition = .none,
        transB: Transposition = .none
    ) {
        self.use = use
        self.m = m
        self.n = n
        self.k = k
        self.transA = transA
        self.transB = transB
    }

    /// Slices of 16 and 8 images at width 192 and 96 (50 tokens), ViT-S/16 (8 images of 197
    /// tokens: 1,576, less a few, as a multiple of 4), and a convolution of ResNet-18's last stage.
    static let ofOurRuns = [
        ProductShape("vit-192 qkv, 16 images", 800, 576, 192, transB: .transposed),
        ProductShape("vit-192 fc1, 16 images", 800, 768, 192, transB: .transposed),
        ProductShape("vit-192 fc2, 16 images", 800, 192, 768, transB: .transposed),
        ProductShape("vit-192 fc1, 8 images", 400, 768, 192, transB: .transposed),
        ProductShape("vit-192 dX of fc1, 16 images", 800, 192, 768),
        ProductShape("vit-192 dW of fc1, 16 images", 768, 192, 800, transA: .transposed),
        ProductShape("vit-192 dW of fc2, 16 images", 192, 768, 800, transA: .transposed),
        ProductShape("vit-96 fc1, 16 images", 800, 384, 96, transB: .transposed),
        ProductShape("vit-96 dW of fc1, 16 images", 384, 96, 800, transA: .transposed),
        ProductShape("vit-s16 fc1, 4 images", 788, 1536, 384, transB: .transposed),
        ProductShape("vit-s16 fc2, 4 images", 788, 384, 1536, transB: .transposed),
        ProductShape("vit-s16 dW of fc1, 4 images", 1536, 384, 788, transA: .transposed),
        ProductShape("resnet18 last stage, 16 images", 256, 512, 4096, transB: .transposed),
    ]

    /// As in the output's `case`.
    var name: String { "\(m)x\(n)x\(k)" }
    /// Floating-point operations.
    var operations: Double { 2 * Double(m) * Double(n) * Double(k) }
}

/// The rates of the ways in which we compute a product, in turns on one core.
struct ProductRates {
    private let shape: ProductShape
    private let crew: SlotCrew
    private let seconds: Double

    init(_ shape: ProductShape, crew: SlotCrew, seconds: Double) {
        self.shape = shape
        self.crew = crew
        self.seconds = seconds
    }

    /// A line for each way.
    func lines() throws -> [CaseLine] {
        let (blas, crew) = (BLASOperands(shape), crew)
        var entrants = [
            Entrant(name: "sgemm") { count in timed(crew, count) { blas.multiply() } }
        ]
        if shape.transA == .none {
            let panels = PanelOperands(shape)
            entrants.append(
                Entrant(name: "panel") { count in timed(crew, count) { panels.multiply() } })
        }
        var peaks: [Double] = []
        var turns = Turns(seconds: seconds)
        turns.turnSeconds = 0.05
        let found = try turns.time(entrants) {
            peaks.append(MultiplyAddPeak.measure(crew, slots: 1))
        }
        return zip(entrants, found).map { entrant, found in
            let rate = shape.operations / median(found)
            var line = CaseLine("\(entrant.name)-\(shape.name)")
            line.set("use", shape.use)
            line.set("seconds", median(found))
            line.set("gflops", rate * 1e-9)
            line.set("share_of_peak", rate / median(peaks))
            return line
        }
    }
}

/// The seconds of each call of `body` on the first slot's thread.
private func timed(
    _ crew: SlotCrew, _ count: Int, _ body: @escaping @Sendable () -> Void
) -> [Double] {
    let found = Mutex<[Double]>([])
    crew.run(slots: 1) { _ in
        var seconds: [Double] = []
        for _ in 0..<count {
            let begin = monotonicSeconds()
            body()
            seconds.append(monotonicSeconds() - begin)
        }
        found.withLock { $0 = seconds }
    }
    return found.withLock { $0 }
}

/// Matrices for `sgemm`.
private final class BLASOperands: Sendable {
    private let shape: ProductShape
    private let a: Tensor
    private let b: Tensor
    private let c: Mutex<Tensor>

    init(_ shape: ProductShape) {
        self.shape = shape
        let random = CounterRandom(seed: 2, stream: .test)
        a = random.normalTensor([shape.m * shape.k])
        b = random.normalTensor([shape.k * shape.n])
        c = Mutex(Tensor(zeros: [shape.m * shape.n]))
    }

    func multiply() {
        c.withLock { [a, b] c in
            let (a, b) = (a, b)
            var target = c.mutableSpan
            sgemm(
                transA: shape.transA, transB: shape.transB, m: shape.m, n: shape.n, k: shape.k,
                a: a.span, b: b.span, c: &target)
        }
    }
}

/// Matrices for `PanelProduct`, the right one packed as weights are: once for many products.
private final class PanelOperands: Sendable {
    private let shape: ProductShape
    private let a: Tensor
    private let panels: Tensor
    private let c: Mutex<Tensor>

    init(_ shape: ProductShape) {
        self.shape = shape
        let random = CounterRandom(seed: 2, stream: .test)
        a = random.normalTensor([shape.m * shape.k])
        let b = random.normalTensor([shape.k * shape.n])
        panels = Self.packed(b, shape)
        c = Mutex(Tensor(zeros: [shape.m * shape.n]))
    }

    func multiply() {
        c.withLock { [a, panels] c in
            let (a, panels) = (a, panels)
            var target = c.mutableSpan
            PanelProduct.multiply(
                m: shape.m, n: shape.n, k: shape.k, a: a.span, panels: panels.span, c: &target)
        }
    }

    private static func packed(_ b: Tensor, _ shape: ProductShape) -> Tensor {
        let count = PanelProduct.floatCount(rows: shape.k, columns: shape.n)
        var panels = Tensor(uninitialized: [count])
        var span = panels.mutableSpan
        if shape.transB == .none {
            PanelProduct.pack(b.span, rows: shape.k, columns: shape.n, into: &span)
        } else {
            PanelProduct.packTransposed(b.span, rows: shape.k, columns: shape.n, into: &span)
        }
        return panels
    }
}
