#include "wide_tiles.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define WIDE __attribute__((target("avx512f")))
#define UNROLLED _Pragma("clang loop unroll(full)")

// So many rows of B are called for ahead: they come from a second-level cache.
enum { lanes = 16, rows_max = 8, rows_ahead = 8 };

int wide_strip_is_supported(void) { return __builtin_cpu_supports("avx512f") != 0; }

int wide_strip_is_intel(void) { return __builtin_cpu_is("intel") != 0; }

// One tile of `rows` by `vectors` registers. Always inlined with both as constants, so that the
// sums are registers from beginning to end: at most 24 of them, three of B and one of A.
WIDE static inline __attribute__((always_inline)) void tile(
    const int rows, const int vectors, const struct wide_strip *s, __mmask16 last, const float *a,
    const float *b, const float *start, float *c) {
    __m512 sums[rows_max][3];
    const long row_a = s->row_a, column_a = s->column_a, row_b = s->row_b;
    // The sums are written when their lines are there: a store that misses holds others up. The
    // next tile begins with its lines, where it takes up sums that were put down.
    UNROLLED for (int i = 0; i < 2 * rows; i++) {
        UNROLLED for (int j = 0; j < vectors; j++) {
            __builtin_prefetch(c + i * s->row_c + j * lanes, 1, 3);
        }
    }
    UNROLLED for (int i = 0; i < rows; i++) {
        UNROLLED for (int j = 0; j < vectors; j++) {
            const float *from = start + i * s->row_start + j * lanes;
            sums[i][j] =
                j + 1 < vectors ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(last, from);
        }
    }
    for (long l = s->k; l > 0; l--) {
        __m512 row[3];
        UNROLLED for (int j = 0; j < vectors; j++) {
            const float *from = b + j * lanes;
            row[j] = j + 1 < vectors ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(last, from);
            __builtin_prefetch(from + rows_ahead * row_b, 0, 3);
        }
        UNROLLED for (int i = 0; i < rows; i++) {
            const __m512 factor = _mm512_set1_ps(a[i * row_a]);
            UNROLLED for (int j = 0; j < vectors; j++) {
                sums[i][j] = _mm512_fmadd_ps(row[j], factor, sums[i][j]);
            }
        }
        a += column_a;
        b += row_b;
    }
    UNROLLED for (int i = 0; i < rows; i++) {
        UNROLLED for (int j = 0; j < vectors; j++) {
            float *to = c + i * s->row_c + j * lanes;
            if (j + 1 < vectors) {
                _mm512_storeu_ps(to, sums[i][j]);
            } else {
                _mm512_mask_storeu_ps(to, last, sums[i][j]);
            }
        }
    }
}

// All rows of a strip of so many registers, a constant where it is inlined.
WIDE static inline __attribute__((always_inline)) void all_rows(
    const int vectors, const struct wide_strip *s, __mmask16 last, const float *a, const float *b,
    const float *start, float *c) {
    long row = 0;
    // As many tiles of eight rows as there are, then at most one of four, of two and of one.
    UNROLLED for (int rows = rows_max; rows > 0; rows /= 2) {
        for (; row + rows <= s->rows; row += rows) {
            tile(rows, vectors, s, last, a + row * s->row_a, b, start + row * s->row_start,
                 c + row * s->row_c);
        }
    }
}

WIDE void wide_strip_multiply(
    const struct wide_strip *s, const float *a, const float *b, const float *start, float *c) {
    const long vectors = (s->columns + lanes - 1) / lanes;
    const __mmask16 last = (__mmask16)(0xffff >> (vectors * lanes - s->columns));
    switch (vectors) {
    case 1: return all_rows(1, s, last, a, b, start, c);
    case 2: return all_rows(2, s, last, a, b, start, c);
    default: return all_rows(3, s, last, a, b, start, c);
    }
}

#else

int wide_strip_is_supported(void) { return 0; }

int wide_strip_is_intel(void) { return 0; }

void wide_strip_multiply(
    const struct wide_strip *s, const float *a, const float *b, const float *start, float *c) {
    (void)s, (void)a, (void)b, (void)start, (void)c;
}

#endif
