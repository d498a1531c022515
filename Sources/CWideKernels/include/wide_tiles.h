#ifndef PLEIAD_WIDE_TILES_H
#define PLEIAD_WIDE_TILES_H

// Products in registers of sixteen floats: the very chains of fused multiply-adds that the loops of
// eight lanes compute, the same bits.

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
    /// Whether A is interleaved instead: the rows of a tile (eight, in the end four, two and one)
    /// stand beside each other, column behind column, and each tile behind the one before.
    int is_interleaved;
    /// Whether rows of A are called for ahead, a tile before they are multiplied: where this strip
    /// is the first that reads them.
    int calls_for_rows;
    /// How far apart the rows of B are.
    long row_b;
    /// How far apart the rows of starts are: 0 where all rows start from one.
    long row_start;
    /// How far apart the rows of C are.
    long row_c;
    /// What is called for into the second-level cache beside the products: so many lines of 64
    /// bytes, 0 for none.
    const float *next;
    long next_lines;
};

/// C = start + A B; nothing past the strip's columns is read or written.
void wide_strip_multiply(
    const struct wide_strip *strip, const float *a, const float *b, const float *start, float *c);

#endif
