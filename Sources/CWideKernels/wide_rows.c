#include "wide_rows.h"
#include "wide_lanes.h"

#if defined(__x86_64__)

// A sum in the order of `Vector`: 32 lanes, the first sixteen in `a`.
struct sum {
    __m512 a, b;
};

INLINED float total(struct sum s) {
    const __m256 first = _mm256_add_ps(low_half(s.a), high_half(s.a));
    return sum_of_eight(_mm256_add_ps(first, _mm256_add_ps(low_half(s.b), high_half(s.b))));
}

INLINED __m512 load(__mmask16 part, const float *x) { return _mm512_maskz_loadu_ps(part, x); }

// x - mean, zeros past the end.
INLINED __m512 deviation(__mmask16 part, const float *x, __m512 mean) {
    return _mm512_maskz_sub_ps(part, load(part, x), mean);
}

INLINED float mean_of(const float *x, long width) {
    struct sum s = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    for (long i = 0; i < width; i += 2 * lanes) {
        s.a = _mm512_add_ps(s.a, load(first_lanes(width - i), x + i));
        s.b = _mm512_add_ps(s.b, load(first_lanes(width - i - lanes), x + i + lanes));
    }
    return total(s) / (float)width;
}

INLINED float variance_of(const float *x, long width, __m512 mean) {
    struct sum s = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    for (long i = 0; i < width; i += 2 * lanes) {
        const __m512 d = deviation(first_lanes(width - i), x + i, mean);
        const __m512 e = deviation(first_lanes(width - i - lanes), x + i + lanes, mean);
        s.a = _mm512_fmadd_ps(d, d, s.a);
        s.b = _mm512_fmadd_ps(e, e, s.b);
    }
    return total(s) / (float)width;
}

WIDE void wide_layer_norm(
    const float *x, const float *weight, const float *bias, float epsilon, long rows, long width,
    float *y, float *means, float *inverses) {
    for (long row = 0; row < rows; row++, x += width, y += width) {
        const float mean = mean_of(x, width);
        const float variance = variance_of(x, width, all(mean));
        const float inverse =
            1 / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance + epsilon)));
        means[row] = mean;
        inverses[row] = inverse;
        for (long i = 0; i < width; i += lanes) {
            const __mmask16 part = first_lanes(width - i);
            const __m512 normal =
                _mm512_mul_ps(_mm512_sub_ps(load(part, x + i), all(mean)), all(inverse));
            _mm512_mask_storeu_ps(
                y + i, part, _mm512_fmadd_ps(normal, load(part, weight + i), load(part, bias + i)));
        }
    }
}

// The sums of h = g w and of h n over a row, n = (x - mean) inverse.
struct row_sums {
    struct sum plain, weighted;
};

INLINED void add_to_sums(
    struct row_sums *s, const int second, __mmask16 part, const float *x, const float *weight,
    const float *gradient, __m512 mean, __m512 inverse) {
    const __m512 g = load(part, gradient), w = load(part, weight);
    const __m512 normal = _mm512_mul_ps(deviation(part, x, mean), inverse);
    __m512 *plain = second ? &s->plain.b : &s->plain.a;
    __m512 *weighted = second ? &s->weighted.b : &s->weighted.a;
    *plain = _mm512_fmadd_ps(g, w, *plain);
    *weighted = _mm512_fmadd_ps(_mm512_mul_ps(g, w), normal, *weighted);
}

WIDE void wide_layer_norm_gradient(
    const float *x, const float *weight, const float *means, const float *inverses,
    const float *gradient, long rows, long width, float *dx, int is_added, float *d_weight,
    float *d_bias) {
    for (long i = 0; i < width; i++) d_weight[i] = d_bias[i] = 0;
    const __m512 zero = _mm512_setzero_ps();
    for (long row = 0; row < rows; row++, x += width, gradient += width, dx += width) {
        const __m512 mean = all(means[row]), inverse = all(inverses[row]);
        struct row_sums s = {{zero, zero}, {zero, zero}};
        for (long i = 0; i < width; i += 2 * lanes) {
            add_to_sums(
                &s, 0, first_lanes(width - i), x + i, weight + i, gradient + i, mean, inverse);
            const long j = i + lanes;
            add_to_sums(
                &s, 1, first_lanes(width - j), x + j, weight + j, gradient + j, mean, inverse);
        }
        const __m512 mean_h = all(total(s.plain) / (float)width);
        const __m512 mean_hn = all(total(s.weighted) / (float)width);
        for (long i = 0; i < width; i += lanes) {
            const __mmask16 part = first_lanes(width - i);
            const __m512 g = load(part, gradient + i);
            const __m512 normal = _mm512_mul_ps(deviation(part, x + i, mean), inverse);
            const __m512 h = _mm512_mul_ps(g, load(part, weight + i));
            __m512 value = _mm512_mul_ps(
                _mm512_sub_ps(_mm512_sub_ps(h, mean_h), _mm512_mul_ps(normal, mean_hn)), inverse);
            if (is_added) value = _mm512_add_ps(load(part, dx + i), value);
            _mm512_mask_storeu_ps(dx + i, part, value);
            const __m512 dw = _mm512_fmadd_ps(g, normal, load(part, d_weight + i));
            _mm512_mask_storeu_ps(d_weight + i, part, dw);
            _mm512_mask_storeu_ps(d_bias + i, part, _mm512_add_ps(load(part, d_bias + i), g));
        }
    }
}

WIDE void wide_softmax(float *scores, long count, float scale) {
    __m512 best = all(-__builtin_inff());
    for (long i = 0; i < count; i += lanes) {
        const __mmask16 part = first_lanes(count - i);
        best = _mm512_mask_max_ps(best, part, load(part, scores + i), best);
    }
    const __m512 shift = all(_mm512_reduce_max_ps(best));
    __m256 sum = _mm256_setzero_ps();
    for (long i = 0; i < count; i += lanes) {
        const __mmask16 part = first_lanes(count - i);
        const __m512 power = exp_of(
            _mm512_mul_ps(_mm512_sub_ps(load(part, scores + i), shift), all(scale)));
        sum = _mm256_add_ps(sum, low_half(power));
        if (count - i > lanes / 2) sum = _mm256_add_ps(sum, high_half(power));
        _mm512_mask_storeu_ps(scores + i, part, power);
    }
    const __m512 factor = all(1 / sum_of_eight(sum));
    for (long i = 0; i < count; i += lanes) {
        const __mmask16 part = first_lanes(count - i);
        _mm512_mask_storeu_ps(scores + i, part, _mm512_mul_ps(load(part, scores + i), factor));
    }
}

WIDE void wide_softmax_gradient(
    const float *probabilities, float *gradient, long count, float scale) {
    __m256 sum = _mm256_setzero_ps();
    for (long i = 0; i < count; i += lanes / 2) {
        const __m512 p = load(0xff, probabilities + i), g = load(0xff, gradient + i);
        sum = low_half(_mm512_fmadd_ps(p, g, _mm512_castps256_ps512(sum)));
    }
    const __m512 mean = all(sum_of_eight(sum));
    for (long i = 0; i < count; i += lanes) {
        const __mmask16 part = first_lanes(count - i);
        const __m512 difference = _mm512_sub_ps(load(part, gradient + i), mean);
        const __m512 value = _mm512_mul_ps(load(part, probabilities + i), difference);
        _mm512_mask_storeu_ps(gradient + i, part, _mm512_mul_ps(value, all(scale)));
    }
}

// Sixteen rows of sixteen become columns: pairs of rows, of pairs, of fours and of eights change
// places.
INLINED void transpose_sixteen(__m512 r[16]) {
    __m512 t[16];
    UNROLLED for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    UNROLLED for (int i = 0; i < 4; i++) {
        const __m512 a = t[4 * i], b = t[4 * i + 1], c = t[4 * i + 2], d = t[4 * i + 3];
        r[4 * i] = _mm512_shuffle_ps(a, c, 0x44);
        r[4 * i + 1] = _mm512_shuffle_ps(a, c, 0xee);
        r[4 * i + 2] = _mm512_shuffle_ps(b, d, 0x44);
        r[4 * i + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
    UNROLLED for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    }
    UNROLLED for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
        r[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

WIDE void wide_transpose(
    const float *x, long rows, long columns, long row_x, float *y, long row_y) {
    for (long i = 0; i < rows; i += lanes) {
        const __mmask16 part_y = first_lanes(rows - i);
        for (long j = 0; j < columns; j += lanes) {
            const __mmask16 part_x = first_lanes(columns - j);
            __m512 r[16];
            UNROLLED for (int l = 0; l < lanes; l++) {
                r[l] = load(i + l < rows ? part_x : 0, x + (i + l) * row_x + j);
            }
            transpose_sixteen(r);
            UNROLLED for (int l = 0; l < lanes; l++) {
                if (j + l < columns) _mm512_mask_storeu_ps(y + (j + l) * row_y + i, part_y, r[l]);
            }
        }
    }
}

#else

void wide_layer_norm(
    const float *x, const float *weight, const float *bias, float epsilon, long rows, long width,
    float *y, float *means, float *inverses) {
    (void)x, (void)weight, (void)bias, (void)epsilon, (void)rows, (void)width;
    (void)y, (void)means, (void)inverses;
}

void wide_layer_norm_gradient(
    const float *x, const float *weight, const float *means, const float *inverses,
    const float *gradient, long rows, long width, float *dx, int is_added, float *d_weight,
    float *d_bias) {
    (void)x, (void)weight, (void)means, (void)inverses, (void)gradient, (void)rows, (void)width;
    (void)dx, (void)is_added, (void)d_weight, (void)d_bias;
}

void wide_softmax(float *scores, long count, float scale) {
    (void)scores, (void)count, (void)scale;
}

void wide_softmax_gradient(
    const float *probabilities, float *gradient, long count, float scale) {
    (void)probabilities, (void)gradient, (void)count, (void)scale;
}

void wide_transpose(
    const float *x, long rows, long columns, long row_x, float *y, long row_y) {
    (void)x, (void)rows, (void)columns, (void)row_x, (void)y, (void)row_y;
}

#endif
