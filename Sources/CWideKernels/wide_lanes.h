#ifndef PLEIAD_WIDE_LANES_H
#define PLEIAD_WIDE_LANES_H

#if defined(__x86_64__)

#include <immintrin.h>

#define WIDE __attribute__((target("avx512f")))
#define INLINED WIDE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

// A product and a sum stay two operations unless they are called a fused multiply-add.
#pragma STDC FP_CONTRACT OFF

enum { lanes = 16 };

// All lanes. Where a loop's body is given this constant, its loads and stores are whole ones: what
// a masked store has written cannot be read before it has reached the cache.
enum { whole = 0xffff };

// The lanes of the first `count` elements, fewer than sixteen.
INLINED __mmask16 first_lanes(long count) { return (__mmask16)((1u << count) - 1); }

INLINED __m512 load(__mmask16 part, const float *x) {
    return part == whole ? _mm512_loadu_ps(x) : _mm512_maskz_loadu_ps(part, x);
}

INLINED void store(__mmask16 part, float *y, __m512 x) {
    if (part == whole) {
        _mm512_storeu_ps(y, x);
    } else {
        _mm512_mask_storeu_ps(y, part, x);
    }
}

INLINED __m256 low_half(__m512 x) { return _mm512_castps512_ps256(x); }

INLINED __m256 high_half(__m512 x) {
    return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1));
}

// `LaneMath.sum`
INLINED float sum_of_eight(__m256 x) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

INLINED __m512 all(float x) { return _mm512_set1_ps(x); }

// p r + c
INLINED __m512 next_term(__m512 p, __m512 r, float c) { return _mm512_fmadd_ps(p, r, all(c)); }

INLINED __m512 masked(__m512 x, int mask) {
    return _mm512_castsi512_ps(
        _mm512_and_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(mask)));
}

// `LaneMath.expOfRemainder`
INLINED __m512 exp_of_remainder(__m512 x, __m512 n) {
    __m512 r = _mm512_fmadd_ps(n, all(-0x1.62e400p-1f), x);
    r = _mm512_fmadd_ps(n, all(-0x1.7f7d1cp-20f), r);
    __m512 p = all(0x1.694000p-10f);
    p = next_term(p, r, 0x1.125edcp-7f);
    p = next_term(p, r, 0x1.555b5ap-5f);
    p = next_term(p, r, 0x1.555450p-3f);
    p = next_term(p, r, 0x1.fffff6p-2f);
    p = next_term(p, r, 1);
    return next_term(p, r, 1);
}

// `LaneMath.powerOfTwo`
INLINED __m512 power_of_two(__m512i n) {
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(127)), 23));
}

static const float rounding_bits = 0x1.8p23f;

INLINED __m512i exponent(__m512 shifted) {
    return _mm512_sub_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(0x4b400000));
}

// `LaneMath.expOfNormal`
INLINED __m512 exp_of_normal(__m512 x) {
    const __m512 shifted = _mm512_fmadd_ps(x, all(0x1.715476p0f), all(rounding_bits));
    const __m512 p = exp_of_remainder(x, _mm512_sub_ps(shifted, all(rounding_bits)));
    return _mm512_mul_ps(p, power_of_two(exponent(shifted)));
}

// `LaneMath.exp`
INLINED __m512 exp_of(__m512 x) {
    const __mmask16 is_zero = _mm512_cmp_ps_mask(x, all(-105), _CMP_LT_OQ);
    __m512 t = _mm512_mask_mov_ps(x, is_zero, _mm512_setzero_ps());
    t = _mm512_mask_mov_ps(t, _mm512_cmp_ps_mask(x, all(90), _CMP_GT_OQ), all(90));
    const __m512 shifted = _mm512_fmadd_ps(t, all(0x1.715476p0f), all(rounding_bits));
    const __m512 p = exp_of_remainder(t, _mm512_sub_ps(shifted, all(rounding_bits)));
    const __m512i n = exponent(shifted), half = _mm512_srai_epi32(n, 1);
    return _mm512_maskz_mul_ps(
        (__mmask16)~is_zero, _mm512_mul_ps(p, power_of_two(half)),
        power_of_two(_mm512_sub_epi32(n, half)));
}

#endif
#endif
