import Datasets
import Foundation
import Methods
import Optimizers
import RunFiles

/// Run files: YAML, resolved to the values of a whole run.
enum RunFileTarget: Target {
    static let name = "runfiles"

    static func seeds() throws -> [[UInt8]] {
        let runs = try filesOfRepository("deploy/runs").map { [UInt8](try Data(contentsOf: $0)) }
        let small = """
            method: mlcd
            name: "caf\\u00e9 \\"x\\""
            steps: 40
            data: {kind: idx, path: /data}
            batch: {samples: 8, slices: 3, dropLast: false}
            network: {kind: conv}
            optimizer: {kind: sgd, momentum: 0.9}
            schedule: {kind: polynomial, power: 2, warmupSteps: 3}
            coordinator: {leaseTerm: 1.5 min, hangTerm: 1 h}
            mlcd: {loss: arcface, dim: 8, centers: 8, table: {optimizer: adamw, beta1: 0.5}}
            """
        return runs + [Array(small.utf8)]
    }

    static func read(_ input: [UInt8]) -> RunPlan? {
        guard let text = String(validating: input, as: UTF8.self) else { return nil }
        return try? RunPlan(text: text, file: "run.yaml")
    }

    static func check(_ plan: RunPlan, of input: [UInt8]) throws(BrokenPromise) {
        let again = try promised("reading what was resolved") {
            try RunPlan(text: plan.resolved.text, file: "again")
        }
        try promise(
            again.resolved.text == plan.resolved.text
                && again.resolved.entries == plan.resolved.entries
                && again.configDigest == plan.configDigest, "what was resolved resolves otherwise")
        try promise(
            differences(plan.resolved.bitsText, again.resolved.bitsText).isEmpty, "keys differ")
        // What a run needs to know of itself before it begins.
        try promise(
            plan.parameterCount > 0 && plan.gradientBytesMax > 0 && !plan.answerGroups.isEmpty,
            "its sizes are none")
        for step in [0, plan.settings.steps / 2, plan.settings.steps - 1] {
            let rate = plan.schedule.rate(at: step)
            try promise(rate.isFinite && rate >= 0, "the rate of step \(step) is \(rate)")
        }
        guard !plan.settings.batch.dropLast else { return }
        let sampler = plan.sampler(count: 60_000)
        let last = sampler.slice(step: plan.settings.steps - 1, plan.settings.batch.slices - 1)
        try promise(last.allSatisfy((0..<60_000).contains), "there is no such sample")
    }

    static func bytesMax(_ input: [UInt8]) -> Int {
        bytesAlways + (1 << 20) + 2048 * input.count
    }
}
