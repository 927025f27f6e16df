/* The arithmetic of the cells on vectors of floats: har_float.h once more, a register at a time. */
#ifndef HAR_LANES_ARITHMETIC_H
#define HAR_LANES_ARITHMETIC_H

#include "har.h"
#include "har_port.h"

#include <math.h>
#if defined(__AVX__)
#include <immintrin.h>
#endif

typedef har_lanes har_gate;

/* Processors with 32 vector registers hold twice as many sums as those with 16. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define HAR_MANY_REGISTERS 1
#else
#define HAR_MANY_REGISTERS 0
#endif

/* Before a loop over registers: clang unrolls it by itself, and too late where it is told to. */
#if defined(__clang__)
#define HAR_REGISTERS
#else
#define HAR_REGISTERS HAR_UNROLL
#endif

/* Keep a value in a register: gcc would rather load it again for each of the products that it is used in. */
#if defined(__x86_64__)
#define HAR_IN_REGISTER(value) __asm__("" : "+v"(value))
#elif defined(__aarch64__)
#define HAR_IN_REGISTER(value) __asm__("" : "+w"(value))
#else
#define HAR_IN_REGISTER(value) (void)(value)
#endif

/* Lane by lane: yes where the condition holds, else no. */
HAR_INLINE har_lanes har_where(har_mask condition, har_lanes yes, har_lanes no)
{
    return (har_lanes)((condition & (har_mask)yes) | (~condition & (har_mask)no));
}

/* A vector with the same number in every lane. */
HAR_INLINE har_lanes har_all(float number)
{
    return number - (har_lanes){0.0f};
}

/* Between -most and most; compilers turn HAR_WHERE into two instructions where a machine has one. */
HAR_INLINE har_lanes har_limit(har_lanes x, float most)
{
#if defined(__AVX512F__)
    return (har_lanes)_mm512_max_ps(_mm512_min_ps((__m512)x, _mm512_set1_ps(most)), _mm512_set1_ps(-most));
#elif defined(__AVX__)
    return (har_lanes)_mm256_max_ps(_mm256_min_ps((__m256)x, _mm256_set1_ps(most)), _mm256_set1_ps(-most));
#else
    const har_lanes low = har_where(x < -most, har_all(-most), x);
    return har_where(low > most, har_all(most), low);
#endif
}

/* The fraction of har_float.h. */
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

HAR_INLINE void har_tanh_each(const har_lanes *sums, har_lanes *values, uint16_t count)
{
    uint16_t k;
    for (k = 0; k < count; k++)
        values[k] = har_tanh(sums[k]);
}

HAR_INLINE har_gate har_sigmoid(har_lanes x)
{
    return 0.5f * har_tanh(0.5f * x) + 0.5f;
}

HAR_INLINE har_lanes har_pass(har_lanes value, har_gate gate)
{
    return value * gate;
}

HAR_INLINE har_lanes har_pass_sum(har_lanes sum, har_gate gate)
{
    return sum * gate;
}

HAR_INLINE har_lanes har_admit(har_lanes candidate, har_gate gate)
{
    return candidate * gate;
}

HAR_INLINE har_lanes har_cell_sum(har_lanes cell)
{
    return cell;
}

HAR_INLINE har_lanes har_mix(har_lanes kept, har_lanes fresh, har_gate gate)
{
    return gate * kept + (1.0f - gate) * fresh;
}

HAR_INLINE har_lanes har_gate_value(har_gate gate)
{
    return gate;
}

HAR_INLINE har_lanes har_positive(har_lanes sum)
{
    return har_where(sum > 0.0f, sum, har_all(0.0f));
}

HAR_INLINE har_lanes har_larger(har_lanes one, har_lanes other)
{
    return har_where(one > other, one, other);
}

HAR_INLINE har_lanes har_value_sum(har_lanes value)
{
    return value;
}

HAR_INLINE har_lanes har_mean(har_lanes sum, uint16_t count)
{
    return sum / (float)count;
}

HAR_INLINE har_lanes har_widen(har_lanes value, uint8_t bits)
{
    (void)bits;
    return value;
}

/* A number of a branch in the format of a joined vector. */
#define HAR_REFIT(value, bits, fraction) (value)

HAR_INLINE har_lanes har_times(har_lanes sum, har_lanes factor)
{
    return sum * factor;
}

HAR_INLINE har_lanes har_mean_sum(har_lanes sum, uint16_t count)
{
    return sum / (float)count;
}

HAR_INLINE har_lanes har_join_sum(har_lanes forward, har_lanes backward)
{
    return forward + backward;
}

HAR_INLINE har_lanes har_join_mean(har_lanes forward, har_lanes backward)
{
    return 0.5f * (forward + backward);
}

HAR_INLINE har_lanes har_join_product(har_lanes forward, har_lanes backward)
{
    return forward * backward;
}

HAR_INLINE har_lanes har_narrow(har_lanes sum, uint8_t fraction)
{
    (void)fraction;
    return sum;
}

#endif
