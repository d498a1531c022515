import Optimizers
import Tensors
import Testing

/// Parameters on several threads.
@Suite struct ParameterThreadsTests {
    private static let rules: [UpdateRule] = [
        .adamW(AdamW(weightDecay: 0.05)), .sgd(SGDMomentum(momentum: 0.9, weightDecay: 5e-4)),
    ]

    private func random(_ count: Int, _ stream: UInt64) -> Tensor {
        CounterRandom(seed: 1, stream: .test, a: stream).normalTensor([count])
    }

    private func bits(_ tensor: Tensor) -> [UInt32] { tensor.values.map(\.bitPattern) }

    /// What three updates come to: parameters, moments, and the norms of the gradients.
    private func outcome(
        _ rule: UpdateRule, count: Int, clipNorm: Double, threads: Int
    ) -> [[UInt32]] {
        var parameters = random(count, 0)
        var optimizer = ParameterOptimizer(
            rule, parameterCount: count, clipNorm: clipNorm, undecayed: [1..<3, 70_000..<140_000])
        var norms: [UInt32] = []
        for update in 1...3 {
            let norm = optimizer.step(
                &parameters, gradient: random(count, UInt64(update)), rate: 0.1, threads: threads)
            norms += [
                UInt32(truncatingIfNeeded: norm.bitPattern), UInt32(norm.bitPattern >> 32),
            ]
        }
        return [bits(parameters), norms] + optimizer.moments.map(bits)
    }

    /// Some blocks and a rest, and whole blocks.
    @Test(arguments: rules, [200_001, 262_144])
    func `the number of threads decides no bit`(rule: UpdateRule, count: Int) {
        for clipNorm in [0, 0.5] {
            let one = outcome(rule, count: count, clipNorm: clipNorm, threads: 1)
            for threads in [2, 3, 8] {
                let many = outcome(rule, count: count, clipNorm: clipNorm, threads: threads)
                #expect(many == one, "\(threads) threads, clipped to \(clipNorm)")
            }
        }
    }

    @Test func `a gradient is brought down to its norm and not up`() {
        let gradient = random(150_000, 9)
        let norm = globalNorm(gradient)
        let clipped = clippedGradient(gradient, norm: norm, to: norm / 2, threads: 2)
        let factor = Float((norm / 2) / (norm + 1e-6))
        #expect(bits(clipped) == gradient.values.map { ($0 * factor).bitPattern })
        #expect(bits(clippedGradient(gradient, norm: norm, to: norm * 2)) == bits(gradient))
    }
}
