#ifndef PLEIAD_WIDE_FUNCTIONS_H
#define PLEIAD_WIDE_FUNCTIONS_H

// Elementary functions of sixteen floats at once: the operations of `LaneMath` in their order, and
// so the same bits.

/// y = the exact GELU of x, derivative = its derivative there; y may be x, derivative may be null.
void wide_gelu(const float *x, float *y, float *derivative, long count);

#endif
