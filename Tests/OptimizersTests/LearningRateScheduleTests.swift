import Foundation
import Testing

@testable import Optimizers

@Suite struct LearningRateScheduleTests {
    @Test func `the cosine of half turns agrees with libm within 1e-15`() {
        for i in 0...4000 {
            let f = Double(i) / 4000
            #expect(abs(cosineOfHalfTurns(f) - cos(Double.pi * f)) < 1e-15)
        }
        #expect(cosineOfHalfTurns(0) == 1 && cosineOfHalfTurns(1) == -1)
    }

    @Test func `linear warm-up then linear decay is the reference run's`() {
        let schedule = LearningRateSchedule(.warmupLinear(warmup: 300), base: 1e-3, total: 3000)
        for t in [0, 1, 299, 300, 301, 2999] {
            let expected =
                t < 300 ? 1e-3 * Double(t + 1) / 300 : 1e-3 * (1 - Double(t - 300) / 2700)
            #expect(abs(schedule.rate(at: t) - expected) < 1e-18)
        }
        #expect(schedule.rate(at: 300) == 1e-3)
    }

    @Test func `cosine starts at base over the warm-up and ends at zero`() {
        let schedule = LearningRateSchedule(.warmupCosine(warmup: 10), base: 2, total: 110)
        #expect(schedule.rate(at: 0) == 0.2)
        #expect(schedule.rate(at: 9) == 2 && schedule.rate(at: 10) == 2)
        #expect(abs(schedule.rate(at: 60) - 1) < 1e-15)
        #expect(schedule.rate(at: 110) == 0)
    }

    @Test func `halving the polynomial recursion follows half its power`() {
        let halved = LearningRateSchedule(
            .halvedPolynomial(warmup: 10, power: 2), base: 1, total: 1010)
        let linear = LearningRateSchedule(.polynomial(warmup: 10, power: 1), base: 1, total: 1010)
        for t in stride(from: 0, to: 1000, by: 50) {
            #expect(abs(halved.rate(at: t) - linear.rate(at: t)) < 0.01)
        }
    }

    @Test func `one cycle swings the rate up and Adam's first beta down`() throws {
        let schedule = LearningRateSchedule(.oneCycle(startFraction: 0.1), base: 1, total: 120)
        #expect(abs(schedule.rate(at: 0) - 0.04) < 1e-15)
        #expect(abs(schedule.rate(at: 11) - 1) < 1e-15)
        #expect(abs(schedule.rate(at: 119) - 4e-6) < 1e-15)
        let lowest = try #require(schedule.firstBeta(at: 11))
        #expect(abs(lowest - 0.85) < 1e-15)
        #expect(LearningRateSchedule(.constant, base: 1, total: 1).firstBeta(at: 0) == nil)
    }

    @Test func `the rate falls by the factor from each milestone on`() {
        let schedule = LearningRateSchedule(
            .multiStep(milestones: [3, 5], factor: 0.1), base: 2, total: 8)
        for (step, expected) in [2, 2, 2, 0.2, 0.2, 0.02, 0.02, 0.02].enumerated() {
            #expect(abs(schedule.rate(at: step) - expected) < 1e-15)
        }
    }

    @Test(arguments: [
        LearningRateSchedule.Curve.constant, .warmupLinear(warmup: 0), .warmupLinear(warmup: 9),
        .warmupCosine(warmup: 0), .warmupCosine(warmup: 9), .polynomial(warmup: 0, power: 2),
        .polynomial(warmup: 9, power: 1), .halvedPolynomial(warmup: 0, power: 2),
        .halvedPolynomial(warmup: 9, power: 2), .oneCycle(startFraction: 0.1),
        .multiStep(milestones: [4, 20], factor: 0.1),
    ])
    func `every schedule stays finite and within its base at short and overrun lengths`(
        curve: LearningRateSchedule.Curve
    ) {
        for total in [1, 2, 5, 9, 10, 30] {
            let schedule = LearningRateSchedule(curve, base: 0.5, total: total)
            for t in 0..<(total + 20) {
                let rate = schedule.rate(at: t)
                #expect(rate >= 0 && rate <= 0.5, "\(curve), total \(total), step \(t)")
            }
        }
    }
}
