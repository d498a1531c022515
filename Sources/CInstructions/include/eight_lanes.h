#ifndef PLEIAD_EIGHT_LANES_H
#define PLEIAD_EIGHT_LANES_H

// Swift compiles these of SIMD8<Float> lane by lane; compilers of C have one instruction for each.

/// Eight floats: `SIMD8<Float>`.
typedef float eight_lanes __attribute__((ext_vector_type(8)));

/// The square roots of eight floats, rounded as IEEE 754 says.
static inline eight_lanes eight_square_roots(eight_lanes x) {
    return __builtin_elementwise_sqrt(x);
}

/// Copies a block of eight rows by eight columns, its rows `row_x` floats apart, as its transpose,
/// rows `row_y` apart.
static inline void transpose_eight(const float *x, long row_x, float *y, long row_y) {
    eight_lanes r[8], t[8];
    for (int i = 0; i < 8; i++) __builtin_memcpy(&r[i], x + i * row_x, sizeof r[i]);
    // Pairs of rows, pairs of pairs, and halves.
    for (int i = 0; i < 8; i += 2) {
        t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4) {
        for (int j = 0; j < 2; j++) {
            const eight_lanes a = t[i + j], b = t[i + j + 2];
            r[i + 2 * j] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
            r[i + 2 * j + 1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
    for (int i = 0; i < 4; i++) {
        t[i] = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        t[i + 4] = __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
    for (int i = 0; i < 8; i++) __builtin_memcpy(y + i * row_y, &t[i], sizeof t[i]);
}

#endif
