#ifndef PLEIAD_WIDE_PEAK_H
#define PLEIAD_WIDE_PEAK_H

/// Whether the processor has what `wide_peak_spin` is compiled for: registers of sixteen floats.
int wide_peak_is_supported(void);

/// Sixteen chains of fused multiply-adds of sixteen floats side by side, each so many long.
///
/// Returns a sum of them all, which stays an ordinary number; 0 where they are not supported.
float wide_peak_spin(long length, float start);

#endif
