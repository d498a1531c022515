#ifndef PLEIAD_WIDE_TILES_H
#define PLEIAD_WIDE_TILES_H

// Swift compiles a module for one processor; these functions are compiled for AVX-512 and called
// only where the processor has it. They compute the very chains of fused multiply-adds that the
// loops of eight lanes compute, in registers of sixteen: the same bits.

/// Rows of C by at most 48 columns of B: how long the sums are, and how things lie in memory.
struct wide_strip {
    /// Rows of A and C.
    long rows;
    /// Columns of B and C, 1 to 48.
    long columns;
    /// The length of the sums.
    long k;
    /// How far apart the rows and the columns of A are, in floats.
    long row_a, column_a;
    /// How far apart the rows of B are.
    long row_b;
    /// How far apart the rows of starts are: 0 where all rows start from one.
    long row_start;
    /// How far apart the rows of C are.
    long row_c;
};

/// Whether the processor has what `wide_strip_multiply` is compiled for.
int wide_strip_is_supported(void);

/// Whether the processor is one of Intel's.
int wide_strip_is_intel(void);

/// C = start + A B; nothing past the strip's columns is read or written.
void wide_strip_multiply(
    const struct wide_strip *strip, const float *a, const float *b, const float *start, float *c);

#endif
