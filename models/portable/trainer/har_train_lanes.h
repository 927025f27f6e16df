/* Floats by the vector, a window in each lane; plain floats where a compiler has no vectors. */
#ifndef HAR_TRAIN_LANES_H
#define HAR_TRAIN_LANES_H

#include <stddef.h>
#include <stdint.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

#if defined(__GNUC__)
#define HAR_INLINE static inline __attribute__((always_inline))
#else
#define HAR_INLINE static inline
#endif

#if defined(HAR_TRAIN_SCALAR) || !defined(__GNUC__)
#define HAR_LANES 1
typedef float har_lanes;

HAR_INLINE har_lanes har_all(float number)
{
    return number;
}

HAR_INLINE har_lanes har_limit(har_lanes x, float most)
{
    return x > most ? most : (x < -most ? -most : x);
}

HAR_INLINE har_lanes har_larger(har_lanes a, har_lanes b)
{
    return a > b ? a : b;
}

/* 2 to the power of a whole number from -126 to 127. */
HAR_INLINE har_lanes har_power_of_two(har_lanes whole)
{
    union {
        uint32_t bits;
        float number;
    } power;
    power.bits = (uint32_t)((int32_t)whole + 127) << 23;
    return power.number;
}

HAR_INLINE har_lanes har_rounded(har_lanes x)
{
    return (float)(int32_t)(x > 0.0f ? x + 0.5f : x - 0.5f);
}

HAR_INLINE float har_sum_lanes(har_lanes values)
{
    return values;
}

HAR_INLINE void har_add_four_sums(const har_lanes *values, float *sums)
{
    size_t k;
    for (k = 0; k < 4; k++)
        sums[k] += values[k];
}
#else
#if defined(__AVX512F__)
#define HAR_LANES 16
#elif defined(__AVX__)
#define HAR_LANES 8
#else
#define HAR_LANES 4 /* SSE2, NEON, WebAssembly */
#endif

typedef float har_lanes __attribute__((vector_size(4 * HAR_LANES)));
typedef int32_t har_mask __attribute__((vector_size(4 * HAR_LANES)));
typedef float har_quad __attribute__((vector_size(16), may_alias));
typedef float har_plain_quad __attribute__((vector_size(16), may_alias, aligned(4)));

HAR_INLINE har_lanes har_all(float number)
{
    return number - (har_lanes){0.0f};
}

/* A number that is none stays none: a comparison with it is false. */
HAR_INLINE har_lanes har_where(har_mask condition, har_lanes yes, har_lanes no)
{
    return (har_lanes)((condition & (har_mask)yes) | (~condition & (har_mask)no));
}

/* Compilers do not find the two instructions that x86 has for this, which leave what is no number as the others do. */
HAR_INLINE har_lanes har_limit(har_lanes x, float most)
{
#if defined(__AVX512F__)
    return (har_lanes)_mm512_min_ps(_mm512_set1_ps(most), _mm512_max_ps(_mm512_set1_ps(-most), (__m512)x));
#elif defined(__AVX__)
    return (har_lanes)_mm256_min_ps(_mm256_set1_ps(most), _mm256_max_ps(_mm256_set1_ps(-most), (__m256)x));
#else
    const har_lanes low = har_where(x < -most, har_all(-most), x);
    return har_where(low > most, har_all(most), low);
#endif
}

HAR_INLINE har_lanes har_larger(har_lanes a, har_lanes b)
{
    return har_where(a > b, a, b);
}

HAR_INLINE har_lanes har_power_of_two(har_lanes whole)
{
    return (har_lanes)((__builtin_convertvector(whole, har_mask) + 127) << 23);
}

HAR_INLINE har_lanes har_rounded(har_lanes x)
{
    const har_lanes half = har_where(x > 0.0f, har_all(0.5f), har_all(-0.5f));
    return __builtin_convertvector(__builtin_convertvector(x + half, har_mask), har_lanes);
}

/* The sums of every fourth lane. */
HAR_INLINE har_quad har_quad_sum(const har_lanes *values)
{
    const har_quad *quads = (const har_quad *)values;
    har_quad sum = quads[0];
    size_t k;
    for (k = 1; k < HAR_LANES / 4; k++)
        sum += quads[k];
    return sum;
}

HAR_INLINE float har_sum_lanes(har_lanes values)
{
    const har_quad sum = har_quad_sum(&values);
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/* sums[k] += har_sum_lanes(values[k]) for four at once: the same additions, side by side. */
HAR_INLINE void har_add_four_sums(const har_lanes *values, float *sums)
{
    const har_quad a = har_quad_sum(values), b = har_quad_sum(values + 1), c = har_quad_sum(values + 2),
                   d = har_quad_sum(values + 3);
    const har_quad first = {a[0], b[0], c[0], d[0]}, second = {a[1], b[1], c[1], d[1]},
                   third = {a[2], b[2], c[2], d[2]}, fourth = {a[3], b[3], c[3], d[3]};
    *(har_plain_quad *)sums += (first + third) + (second + fourth);
}
#endif

/* Keep a value in a register: gcc would rather load it again for each of the products that it is used in. */
#if HAR_LANES > 1 && defined(__x86_64__)
#define HAR_IN_REGISTER(value) __asm__("" : "+v"(value))
#elif HAR_LANES > 1 && defined(__aarch64__)
#define HAR_IN_REGISTER(value) __asm__("" : "+w"(value))
#else
#define HAR_IN_REGISTER(value) (void)(value)
#endif

/* Fetch into the cache what is soon read and written. */
#if defined(__GNUC__)
#define HAR_SOON(address) __builtin_prefetch((address), 1)
#else
#define HAR_SOON(address) (void)(address)
#endif

/* A tile is so many vectors wide: a weight, once loaded, serves two of them. Each value of a tile is that many vectors,
 * one after the other. */
#define HAR_WIDE 2
#define HAR_TILE (HAR_WIDE * HAR_LANES)

/* The number in one lane of a value; lanes go on in the value's second vector. */
HAR_INLINE float har_lane(const har_lanes *values, size_t lane)
{
    return ((const float *)values)[lane];
}

/* The engine's tanh (har_float.h): within 4e-7, one division. */
HAR_INLINE har_lanes har_tanh(har_lanes x)
{
    const har_lanes limited = har_limit(x, 9.0f);
    const har_lanes square = limited * limited;
    const har_lanes numerator =
        (((1.33546484e-08f * square + 2.06090718e-05f) * square + 0.00349558742f) * square + 0.13381025f) * square +
        0.999999979f;
    const har_lanes denominator =
        (((7.77655263e-07f * square + 0.000328563372f) * square + 0.0258769794f) * square + 0.467143406f) * square +
        1.0f;
    return limited * numerator / denominator;
}

HAR_INLINE har_lanes har_sigmoid(har_lanes x)
{
    return 0.5f * har_tanh(0.5f * x) + 0.5f;
}

/* e^x for x from -87 to 87: e^x = 2^n e^r with |r| <= log(2) / 2, and the series of e^r up to r^7. */
HAR_INLINE har_lanes har_exp(har_lanes x)
{
    const har_lanes limited = har_limit(x, 87.0f);
    const har_lanes n = har_rounded(limited * 1.44269504f);
    const har_lanes r = (limited - n * 0.693359375f) + n * 2.12194440e-4f;
    har_lanes sum = 1.0f / 5040.0f + 0.0f * r;
    sum = sum * r + 1.0f / 720.0f;
    sum = sum * r + 1.0f / 120.0f;
    sum = sum * r + 1.0f / 24.0f;
    sum = sum * r + 1.0f / 6.0f;
    sum = sum * r + 0.5f;
    sum = sum * r + 1.0f;
    sum = sum * r + 1.0f;
    return sum * har_power_of_two(n);
}

#endif
