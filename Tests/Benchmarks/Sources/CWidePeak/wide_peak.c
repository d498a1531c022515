#include "wide_peak.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define UNROLLED _Pragma("clang loop unroll(full)")

// More than the latency times the units of any core, and half of the registers.
enum { chains = 16 };

int wide_peak_is_supported(void) { return __builtin_cpu_supports("avx512f") != 0; }

__attribute__((target("avx512f"))) float wide_peak_spin(long length, float start) {
    __m512 x[chains];
    UNROLLED for (int i = 0; i < chains; i++) x[i] = _mm512_set1_ps(start + (float)i);
    // Fixed points of x <- 0.5 x + 0.25 keep all numbers ordinary.
    const __m512 half = _mm512_set1_ps(0.5f), quarter = _mm512_set1_ps(0.25f);
    for (long round = 0; round < length; round++) {
        UNROLLED for (int i = 0; i < chains; i++) x[i] = _mm512_fmadd_ps(x[i], half, quarter);
        // Otherwise the compiler may see through chains that it can compute at once.
        __asm__ volatile("" : "+v"(x[0]));
    }
    __m512 sum = x[0];
    UNROLLED for (int i = 1; i < chains; i++) sum = _mm512_add_ps(sum, x[i]);
    return _mm512_reduce_add_ps(sum);
}

#else

int wide_peak_is_supported(void) { return 0; }

float wide_peak_spin(long length, float start) { return (void)length, (void)start, 0; }

#endif
