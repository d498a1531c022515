import Tensors

/// Rows of the gradient test for operations on texts: causal attention, rows of a table.
let textCases: [GradientCase] = [
    GradientCase("selfAttention", "causal", [sample([2, 4, 24], 1)]) {
        selfAttention($0[0], heads: 1, isCausal: true)
    },
    GradientCase("selfAttention", "causal, tails", [sample([2, 5, 18], 3, from: -2, to: 2)]) {
        selfAttention($0[0], heads: 2, isCausal: true)
    },
    GradientCase("selfAttention", "causal, two lanes", [sample([1, 9, 96], 2)]) {
        selfAttention($0[0], heads: 2, isCausal: true)
    },
    GradientCase("selfAttention", "causal, by BLAS", [sample([1, 2, 3 * 4100], 4)]) {
        selfAttention($0[0], heads: 1, isCausal: true)
    },
    GradientCase("gatheredRows", "some twice, some never", [sample([5, 11], 1)]) {
        gatheredRows($0[0], [3, 0, 3, 4, 3])
    },
    GradientCase("gatheredRows", "of a result", [sample([2, 3, 9], 2)]) {
        gatheredRows(tanh($0[0]).reshaped([6, 9]), [2, 4])
    },
]
