/* Floats by the vector, a window in each lane; plain floats where a compiler has no vectors. */
#ifndef HAR_TRAIN_LANES_H
#define HAR_TRAIN_LANES_H

#include <stddef.h>
#include <stdint.h>

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

HAR_INLINE har_lanes har_all(float number)
{
    return number - (har_lanes){0.0f};
}

/* A number that is none stays none: a comparison with it is false. */
HAR_INLINE har_lanes har_where(har_mask condition, har_lanes yes, har_lanes no)
{
    return (har_lanes)((condition & (har_mask)yes) | (~condition & (har_mask)no));
}

HAR_INLINE har_lanes har_limit(har_lanes x, float most)
{
    const har_lanes low = har_where(x < -most, har_all(-most), x);
    return har_where(low > most, har_all(most), low);
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

HAR_INLINE float har_sum_lanes(har_lanes values)
{
    const har_quad *quads = (const har_quad *)&values;
    har_quad sum = quads[0];
    size_t k;
    for (k = 1; k < HAR_LANES / 4; k++)
        sum += quads[k];
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}
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
