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

// x - mean, zeros past the end.
INLINED __m512 deviation(__mmask16 part, const float *x, __m512 mean) {
    return _mm512_maskz_sub_ps(part, load(part, x), mean);
}

// What a row's sums are made of: x, and what stands beside it.
struct row {
    const float *x, *weight, *gradient;
    __m512 mean, inverse;
};

typedef __m512 add_to(__m512 sum, __mmask16 part, const struct row *row, long i);

INLINED __m512 add_plain(__m512 sum, __mmask16 part, const struct row *row, long i) {
    return _mm512_add_ps(sum, load(part, row->x + i));
}

INLINED __m512 add_square(__m512 sum, __mmask16 part, const struct row *row, long i) {
    const __m512 d = deviation(part, row->x + i, row->mean);
    return _mm512_fmadd_ps(d, d, sum);
}

// h = g w
INLINED __m512 add_scaled(__m512 sum, __mmask16 part, const struct row *row, long i) {
    return _mm512_fmadd_ps(load(part, row->gradient + i), load(part, row->weight + i), sum);
}

// h n with n = (x - mean) inverse
INLINED __m512 add_scaled_normal(__m512 sum, __mmask16 part, const struct row *row, long i) {
    const __m512 h = _mm512_mul_ps(load(part, row->gradient + i), load(part, row->weight + i));
    const __m512 n = _mm512_mul_ps(deviation(part, row->x + i, row->mean), row->inverse);
    return _mm512_fmadd_ps(h, n, sum);
}

// The mean of a row's terms.
INLINED float mean_of(add_to *add, const struct row *row, long width) {
    struct sum s = {_mm512_setzero_ps(), _mm512_setzero_ps()};
    long i = 0;
    for (; i + 2 * lanes <= width; i += 2 * lanes) {
        s.a = add(s.a, whole, row, i);
        s.b = add(s.b, whole, row, i + lanes);
    }
    if (i + lanes <= width) {
        s.a = add(s.a, whole, row, i);
        if (i + lanes < width) s.b = add(s.b, first_lanes(width - i - lanes), row, i + lanes);
    } else if (i < width) {
        s.a = add(s.a, first_lanes(width - i), row, i);
    }
    return total(s) / (float)width;
}

INLINED void normalize(
    __mmask16 part, const struct row *row, const float *bias, float *y, long i) {
    const __m512 normal =
        _mm512_mul_ps(_mm512_sub_ps(load(part, row->x + i), row->mean), row->inverse);
    store(
        part, y + i, _mm512_fmadd_ps(normal, load(part, row->weight + i), load(part, bias + i)));
}

WIDE void wide_layer_norm(
    const float *x, const float *weight, const float *bias, float epsilon, long rows, long width,
    float *y, float *means, float *inverses) {
    for (long number = 0; number < rows; number++, x += width, y += width) {
        struct row row = {.x = x, .weight = weight};
        means[number] = mean_of(add_plain, &row, width);
        row.mean = all(means[number]);
        const float variance = mean_of(add_square, &row, width);
        inverses[number] = 1 / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance + epsilon)));
        row.inverse = all(inverses[number]);
        long i = 0;
        for (; i + lanes <= width; i += lanes) normalize(whole, &row, bias, y, i);
        if (i < width) normalize(first_lanes(width - i), &row, bias, y, i);
    }
}

// Where the gradients of a row go, and the means that they are made of.
struct row_gradients {
    float *dx, *d_weight, *d_bias;
    __m512 mean_h, mean_hn;
};

INLINED void add_gradients(
    __mmask16 part, const int is_added, const struct row *row, const struct row_gradients *to,
    long i) {
    const __m512 g = load(part, row->gradient + i);
    const __m512 normal = _mm512_mul_ps(deviation(part, row->x + i, row->mean), row->inverse);
    const __m512 h = _mm512_mul_ps(g, load(part, row->weight + i));
    __m512 dx = _mm512_mul_ps(
        _mm512_sub_ps(_mm512_sub_ps(h, to->mean_h), _mm512_mul_ps(normal, to->mean_hn)),
        row->inverse);
    if (is_added) dx = _mm512_add_ps(load(part, to->dx + i), dx);
    store(part, to->dx + i, dx);
    store(part, to->d_weight + i, _mm512_fmadd_ps(g, normal, load(part, to->d_weight + i)));
    store(part, to->d_bias + i, _mm512_add_ps(load(part, to->d_bias + i), g));
}

WIDE void wide_layer_norm_gradient(
    const float *x, const float *weight, const float *means, const float *inverses,
    const float *gradient, long rows, long width, float *dx, int is_added, float *d_weight,
    float *d_bias) {
    for (long i = 0; i < width; i++) d_weight[i] = d_bias[i] = 0;
    for (long number = 0; number < rows; number++) {
        const struct row row = {
            x + number * width, weight, gradient + number * width, all(means[number]),
            all(inverses[number])};
        const struct row_gradients to = {
            dx + number * width, d_weight, d_bias, all(mean_of(add_scaled, &row, width)),
            all(mean_of(add_scaled_normal, &row, width))};
        long i = 0;
        for (; i + lanes <= width; i += lanes) add_gradients(whole, is_added, &row, &to, i);
        if (i < width) add_gradients(first_lanes(width - i), is_added, &row, &to, i);
    }
}

WIDE void wide_softmax(float *scores, long count, float scale) {
    __m512 best = all(-__builtin_inff());
    for (long i = 0; i < count; i += lanes) {
        best = _mm512_max_ps(_mm512_loadu_ps(scores + i), best);
    }
    const __m512 shift = all(_mm512_reduce_max_ps(best));
    __m256 sum = _mm256_setzero_ps();
    for (long i = 0; i < count; i += lanes) {
        const __m512 score = _mm512_sub_ps(_mm512_loadu_ps(scores + i), shift);
        const __m512 power = exp_of(_mm512_mul_ps(score, all(scale)));
        sum = _mm256_add_ps(_mm256_add_ps(sum, low_half(power)), high_half(power));
        _mm512_storeu_ps(scores + i, power);
    }
    const __m512 factor = all(1 / sum_of_eight(sum));
    for (long i = 0; i < count; i += lanes) {
        _mm512_storeu_ps(scores + i, _mm512_mul_ps(_mm512_loadu_ps(scores + i), factor));
    }
}

WIDE void wide_softmax_gradient(
    const float *probabilities, float *gradient, long count, float scale) {
    __m512 sum = _mm512_setzero_ps();
    // Eight lanes of sums: the others are not looked at.
    for (long i = 0; i < count; i += lanes / 2) {
        sum = _mm512_fmadd_ps(
            _mm512_castps256_ps512(_mm256_loadu_ps(probabilities + i)),
            _mm512_castps256_ps512(_mm256_loadu_ps(gradient + i)), sum);
    }
    const __m512 mean = all(sum_of_eight(low_half(sum)));
    for (long i = 0; i < count; i += lanes) {
        const __m512 difference = _mm512_sub_ps(_mm512_loadu_ps(gradient + i), mean);
        const __m512 value = _mm512_mul_ps(_mm512_loadu_ps(probabilities + i), difference);
        _mm512_storeu_ps(gradient + i, _mm512_mul_ps(value, all(scale)));
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
        const __mmask16 part_y = rows - i < lanes ? first_lanes(rows - i) : whole;
        for (long j = 0; j < columns; j += lanes) {
            const __mmask16 part_x = columns - j < lanes ? first_lanes(columns - j) : whole;
            __m512 r[16];
            UNROLLED for (int l = 0; l < lanes; l++) {
                r[l] = load(i + l < rows ? part_x : 0, x + (i + l) * row_x + j);
            }
            transpose_sixteen(r);
            UNROLLED for (int l = 0; l < lanes; l++) {
                if (j + l < columns) store(part_y, y + (j + l) * row_y + i, r[l]);
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
