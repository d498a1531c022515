#include "wide_tiles.h"
#include "wide_lanes.h"

#if defined(__x86_64__)

// So many rows of B are called for ahead: they come from a second-level cache.
enum { rows_max = 8, rows_ahead = 8 };

// One tile of `rows` by `vectors` registers. Always inlined with both as constants, so that the
// sums are registers from beginning to end: at most 24 of them, three of B and one of A. Calls for
// `lines` lines from `next` on.
INLINED void tile(
    const int rows, const int vectors, const struct wide_strip *s, __mmask16 last, const float *a,
    const long row_a, const long column_a, const float *b, const float *start, float *c,
    const float *next, long lines) {
    __m512 sums[rows_max][3];
    const long row_b = s->row_b;
    UNROLLED for (int i = 0; i < rows; i++) {
        UNROLLED for (int j = 0; j < vectors; j++) {
            const float *from = start + i * s->row_start + j * lanes;
            sums[i][j] =
                j + 1 < vectors ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(last, from);
        }
    }
    // Sums are written when their lines are there: a store that misses holds others up. The lines
    // of the next tile are called for row by row all along, or they would hold up those of B.
    const float *next_row = c + rows * s->row_c;
    const long turns = s->k / rows;
    long turn = 0;
    // So are those of the next rows of A, line beside line.
    const float *next_a = a + rows * row_a;
    long next_a_row = 0;
    for (long l = s->k; l > 0; l--) {
        __m512 row[3];
        UNROLLED for (int j = 0; j < vectors; j++) {
            const float *from = b + j * lanes;
            row[j] = j + 1 < vectors ? _mm512_loadu_ps(from) : _mm512_maskz_loadu_ps(last, from);
            __builtin_prefetch(from + rows_ahead * row_b, 0, 3);
        }
        if (turn-- == 0) {
            UNROLLED for (int j = 0; j < vectors; j++) {
                __builtin_prefetch(next_row + j * lanes, 1, 3);
            }
            next_row += s->row_c;
            turn = turns - 1;
        }
        if (s->calls_for_rows && (l & 1)) {
            __builtin_prefetch(next_a, 0, 3);
            next_a += row_a;
            if (++next_a_row == rows) {
                next_a_row = 0;
                next_a += lanes - rows * row_a;
            }
        }
        if (lines > 0) {
            __builtin_prefetch(next, 0, 2);
            next += lanes;
            lines--;
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

// All rows of a strip of so many registers, a constant where it is inlined, as is whether A is
// interleaved.
INLINED void all_rows(
    const int vectors, const int is_interleaved, const struct wide_strip *s, __mmask16 last,
    const float *a, const float *b, const float *start, float *c) {
    const float *next = s->next;
    // Each tile of eight rows calls for its part of the lines, one with each row of B.
    const long tiles = s->rows / rows_max;
    const long lines = tiles > 0 ? (s->next_lines + tiles - 1) / tiles : 0;
    long row = 0;
    // As many tiles of eight rows as there are, then at most one of four, of two and of one.
    UNROLLED for (int rows = rows_max; rows > 0; rows /= 2) {
        for (; row + rows <= s->rows; row += rows) {
            tile(rows, vectors, s, last, a + row * (is_interleaved ? s->k : s->row_a),
                 is_interleaved ? 1 : s->row_a, is_interleaved ? rows : s->column_a, b,
                 start + row * s->row_start, c + row * s->row_c, next,
                 rows == rows_max ? lines : 0);
            next += lines * lanes;
        }
    }
}

WIDE void wide_strip_multiply(
    const struct wide_strip *s, const float *a, const float *b, const float *start, float *c) {
    const long vectors = (s->columns + lanes - 1) / lanes;
    const __mmask16 last = (__mmask16)(0xffff >> (vectors * lanes - s->columns));
    if (s->is_interleaved) {
        switch (vectors) {
        case 1: return all_rows(1, 1, s, last, a, b, start, c);
        case 2: return all_rows(2, 1, s, last, a, b, start, c);
        default: return all_rows(3, 1, s, last, a, b, start, c);
        }
    }
    switch (vectors) {
    case 1: return all_rows(1, 0, s, last, a, b, start, c);
    case 2: return all_rows(2, 0, s, last, a, b, start, c);
    default: return all_rows(3, 0, s, last, a, b, start, c);
    }
}

#else

void wide_strip_multiply(
    const struct wide_strip *s, const float *a, const float *b, const float *start, float *c) {
    (void)s, (void)a, (void)b, (void)start, (void)c;
}

#endif
