#include "wide_functions.h"
#include "wide_lanes.h"

#if defined(__x86_64__)

#include <stddef.h>

// `LaneMath.geluAndDerivative`
INLINED __m512 gelu(__m512 x, __m512 *derivative) {
    __m512 t = masked(x, 0x7fffffff);
    t = _mm512_mask_mov_ps(t, _mm512_cmp_ps_mask(t, all(13.15f), _CMP_GT_OQ), all(13.15f));
    const __m512 e = exp_of_normal(_mm512_mul_ps(_mm512_mul_ps(t, t), all(-0.5f)));
    const __m512 u =
        _mm512_div_ps(_mm512_sub_ps(t, all(2.5f)), _mm512_add_ps(t, all(2.5f)));
    __m512 p = all(-0x1.47dcb2p-13f);
    p = next_term(p, u, -0x1.5ab7d6p-12f);
    p = next_term(p, u, 0x1.a48132p-11f);
    p = next_term(p, u, 0x1.81a46ep-9f);
    p = next_term(p, u, -0x1.4f759ep-8f);
    p = next_term(p, u, -0x1.923252p-6f);
    p = next_term(p, u, 0x1.cf66e8p-4f);
    p = next_term(p, u, -0x1.d31642p-3f);
    p = next_term(p, u, 0x1.217254p-3f);
    const __m512 tail = _mm512_mul_ps(e, p);
    const __mmask16 is_negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
    const __m512 distribution =
        _mm512_mask_mov_ps(_mm512_sub_ps(all(1), tail), is_negative, tail);
    const __m512 density = _mm512_mul_ps(e, all(0x1.988454p-2f));
    const __m512 signed_t = _mm512_castsi512_ps(
        _mm512_or_epi32(_mm512_castps_si512(t), _mm512_castps_si512(masked(x, (int)0x80000000))));
    *derivative = _mm512_fmadd_ps(signed_t, density, distribution);
    return _mm512_mul_ps(x, distribution);
}

INLINED void gelu_of(__mmask16 part, const float *x, float *y, float *derivative) {
    __m512 d;
    store(part, y, gelu(load(part, x), &d));
    if (derivative != NULL) store(part, derivative, d);
}

WIDE void wide_gelu(const float *x, float *y, float *derivative, long count) {
    long i = 0;
    for (; i + lanes <= count; i += lanes) {
        gelu_of(whole, x + i, y + i, derivative != NULL ? derivative + i : NULL);
    }
    if (i < count) {
        gelu_of(
            first_lanes(count - i), x + i, y + i, derivative != NULL ? derivative + i : NULL);
    }
}

#else

void wide_gelu(const float *x, float *y, float *derivative, long count) {
    (void)x, (void)y, (void)derivative, (void)count;
}

#endif
