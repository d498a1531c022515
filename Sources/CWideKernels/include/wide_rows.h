#ifndef PLEIAD_WIDE_ROWS_H
#define PLEIAD_WIDE_ROWS_H

// Loops over rows, sixteen floats at once: operations and orders of sums are those of `Rows` and
// `Attention` in lanes of eight, and so are the bits.

/// `Rows.layerNorm`.
void wide_layer_norm(
    const float *x, const float *weight, const float *bias, float epsilon, long rows, long width,
    float *y, float *means, float *inverses);

/// `Rows.layerNormGradient`: dx is added to if `is_added`, else written.
void wide_layer_norm_gradient(
    const float *x, const float *weight, const float *means, const float *inverses,
    const float *gradient, long rows, long width, float *dx, int is_added, float *d_weight,
    float *d_bias);

/// The softmax of a row of scores times `scale`, in place; `count` is a multiple of sixteen.
void wide_softmax(float *scores, long count, float scale);

/// The gradient of that row of scores, over the gradient of its probabilities; `count` as there.
void wide_softmax_gradient(
    const float *probabilities, float *gradient, long count, float scale);

/// Element (i, j) of x, whose rows are `row_x` apart, becomes element (j, i) of y.
void wide_transpose(
    const float *x, long rows, long columns, long row_x, float *y, long row_y);

#endif
