/* The arithmetic of the cells in integers: the same bits on every chip.
 *
 *   value        int16, 2^-15     what layers hand on: -1 to 1
 *   sum          int32, 2^-13     bias, products, logits
 *   gate         uint16, 2^-16    0 to 1
 *   cell         int32, 2^-20     the long memory of an LSTM
 *   sample       int16, 2^-11 g
 *   probability  uint16, 2^-15
 *   number       int32, 2^-13     what a linear head gives
 *
 * Rounding is half away from zero, on magnitudes: no shift of a negative number, which C leaves to the compiler.
 * models/portable/integer_reference.py says the same in NumPy, and a test holds each to the other bit for bit. */
#ifndef HAR_INTEGER_H
#define HAR_INTEGER_H

#include "har.h"
#include "har_dot.h"
#include "har_port.h"
#include "har_tables.h"

typedef uint16_t har_gate;

/* All ones where a number is negative, else zero: with it a sign comes off and on without a branch. */
static inline uint32_t har_sign(int32_t value)
{
    return 0u - ((uint32_t)value >> 31);
}

/* The number without its sign; 2^31 for the least one. */
static inline uint32_t har_magnitude(int32_t value)
{
    return ((uint32_t)value ^ har_sign(value)) - har_sign(value);
}

/* magnitude, at most 2^31 - 1, with the sign of another number */
static inline int32_t har_signed(uint32_t magnitude, int32_t like)
{
    return (int32_t)((magnitude ^ har_sign(like)) - har_sign(like));
}

/* value / 2^bits, bits at least 1 */
HAR_ROUTINE int32_t har_round_shift(int32_t value, uint8_t bits)
{
    return har_signed((har_magnitude(value) + ((uint32_t)1 << (bits - 1))) >> bits, value);
}

/* value x multiplier / 2^shift, shift 16 to 32, the product exact before it is rounded once */
HAR_ROUTINE int32_t har_rescale(int32_t value, uint16_t multiplier, uint8_t shift)
{
    const uint32_t magnitude = har_magnitude(value);
#ifdef HAR_NARROW_MULTIPLY
    const uint32_t low = (magnitude & 0xFFFFu) * multiplier;
    uint32_t high = (magnitude >> 16) * multiplier + (low >> 16);
    if (shift == 16)
        high += low >> 15 & 1u;
    else
        high = (high + ((uint32_t)1 << (shift - 17))) >> (shift - 16);
    return har_signed(high, value);
#else
    /* Turned so that the result is the product's upper word. */
    const uint64_t product = (uint64_t)magnitude * ((uint32_t)multiplier << (32 - shift)) + 0x80000000u;
    return har_signed((uint32_t)(product >> 32), value);
#endif
}

/* tanh: straight lines between table entries 1/32 apart; 1 from 4 on. sigmoid: 1/2 + tanh(x/2)/2. */
#if defined(__AVR__)
int16_t har_avr_tanh(int32_t sum, const uint16_t *table);
void har_avr_tanh_each(const int32_t *sums, int16_t *values, uint8_t count, const uint16_t *table);

static inline har_value har_tanh(har_sum sum)
{
    return har_avr_tanh(sum, har_tanh_table);
}

static inline har_gate har_sigmoid(har_sum sum)
{
    return (har_gate)(32768 + (int32_t)har_tanh(sum / 2));
}

static inline void har_tanh_each(const har_sum *sums, har_value *values, uint16_t count)
{
    har_avr_tanh_each(sums, values, (uint8_t)count, har_tanh_table);
}
#else
static inline uint32_t har_tanh_of_magnitude(uint32_t magnitude)
{
    const uint16_t *entry;
    if (magnitude >= 32768u)
        return INT16_MAX;
    entry = har_tanh_table + (magnitude >> 8);
    return entry[0] + (((uint32_t)(entry[1] - entry[0]) * (magnitude & 255u) + 128u) >> 8);
}

static inline har_value har_tanh(har_sum sum)
{
    return (har_value)har_signed(har_tanh_of_magnitude(har_magnitude(sum)), sum);
}

static inline har_gate har_sigmoid(har_sum sum)
{
    return (har_gate)(32768 + har_signed(har_tanh_of_magnitude(har_magnitude(sum) / 2), sum));
}

static inline void har_tanh_each(const har_sum *sums, har_value *values, uint16_t count)
{
    for (; count > 0; count--)
        *values++ = har_tanh(*sums++);
}
#endif

/* value x gate */
static inline har_value har_pass(har_value value, har_gate gate)
{
    return (har_value)har_round_shift((int32_t)value * gate, 16);
}

/* sum x gate */
static inline har_sum har_pass_sum(har_sum sum, har_gate gate)
{
    return har_rescale(sum, gate, 16);
}

/* What a gate lets into an LSTM's cell. */
static inline har_sum har_admit(har_value candidate, har_gate gate)
{
    return har_round_shift((int32_t)candidate * gate, 11);
}

/* A cell as the sum that its tanh takes. */
static inline har_sum har_cell_sum(har_sum cell)
{
    return har_round_shift(cell, 7);
}

/* gate x kept + (1 - gate) x fresh */
HAR_ROUTINE har_value har_mix(har_value kept, har_value fresh, har_gate gate)
{
    return (har_value)har_round_shift((int32_t)kept * gate + (int32_t)fresh * (65536 - (int32_t)gate), 16);
}

/* A gate as a value. */
static inline har_value har_gate_value(har_gate gate)
{
    return (har_value)(gate >> 1);
}

/* max(sum, 0) */
static inline har_sum har_positive(har_sum sum)
{
    return sum > 0 ? sum : 0;
}

/* A sum as a value with ``fraction`` bits below the point (at most 12), saturated. */
HAR_ROUTINE har_value har_narrow(har_sum sum, uint8_t fraction)
{
    const int32_t value = har_round_shift(sum, (uint8_t)(13 - fraction));
    return (har_value)(value < INT16_MIN ? INT16_MIN : (value > INT16_MAX ? INT16_MAX : value));
}

/* The larger value, and a value as a sum of values. */
static inline har_value har_larger(har_value one, har_value other)
{
    return one > other ? one : other;
}

static inline har_sum har_value_sum(har_value value)
{
    return value;
}

/* A sum of so many values / count */
static inline har_value har_mean(har_sum sum, uint16_t count)
{
    return (har_value)har_signed((har_magnitude(sum) + count / 2u) / count, sum);
}

/* A value with so many bits below the point, at most 15, as a sum. */
static inline har_sum har_widen(har_value value, uint8_t bits)
{
    return bits <= 13 ? value * ((har_sum)1 << (13 - bits)) : har_round_shift(value, (uint8_t)(bits - 13));
}

#if HAR_USE_ATTENTION || HAR_USE_BRANCHES
/* 65536, beyond which scores are alike: their differences stay within 32 bits. */
#define HAR_LARGEST_SCORE ((uint64_t)1 << 29)

/* Of a number of 64 bits. */
static inline uint64_t har_magnitude_64(int64_t value)
{
    return value < 0 ? 0u - (uint64_t)value : (uint64_t)value;
}
#endif

#if HAR_USE_BRANCHES
/* A value of a branch, with so many bits below the point, in the format of a joined vector: 0 for its own. */
#define HAR_REFIT(value, bits, fraction) ((fraction) ? har_narrow(har_widen((value), (bits)), (fraction)) : (value))

/* A product of sums, saturated as scores are. */
static inline har_sum har_times(har_sum sum, har_sum factor)
{
    const int64_t product = (int64_t)sum * factor;
    uint64_t magnitude = (har_magnitude_64(product) + 4096u) >> 13;
    if (magnitude > HAR_LARGEST_SCORE)
        magnitude = HAR_LARGEST_SCORE;
    return product < 0 ? -(har_sum)magnitude : (har_sum)magnitude;
}

/* The mean of so many, of which this is the sum. */
static inline har_sum har_mean_sum(har_sum sum, uint16_t count)
{
    return har_signed((har_magnitude(sum) + count / 2u) / count, sum);
}
#endif

/* Two directions' values as one; a sum has a bit less below the point. */
static inline har_value har_join_sum(har_value forward, har_value backward)
{
    return (har_value)har_round_shift((int32_t)forward + backward, 1);
}

static inline har_value har_join_mean(har_value forward, har_value backward)
{
    return (har_value)har_round_shift((int32_t)forward + backward, 1);
}

static inline har_value har_join_product(har_value forward, har_value backward)
{
    return (har_value)har_round_shift((int32_t)forward * backward, 15);
}

#if defined(__AVR__)
void har_avr_copy(int32_t *sums, const int32_t *bias, uint8_t count);
#endif

/* sums = bias, or zero */
HAR_ROUTINE void har_start(const har_matrix *matrix, har_sum *sums)
{
    if (!matrix->bias)
        memset(sums, 0, matrix->outputs * sizeof *sums);
    else
#if defined(__AVR__)
        har_avr_copy(sums, matrix->bias, (uint8_t)matrix->outputs);
#else
        memcpy(sums, matrix->bias, matrix->outputs * sizeof *sums);
#endif
}

/* sums[first..last) += weights x inputs, each row in its own scale; first is even */
#if defined(__AVR__)
void har_avr_add_rows(const int8_t *weights, const int16_t *values, int32_t *sums, const uint16_t *multipliers,
                      uint8_t inputs, uint8_t rows, uint8_t right);

HAR_ROUTINE void har_add_rows(const har_matrix *matrix, uint16_t first, uint16_t last, const har_value *inputs,
                              har_sum *sums)
{
    har_avr_add_rows(matrix->weights + (size_t)first * matrix->inputs, inputs, sums + first,
                     matrix->multipliers + first, (uint8_t)matrix->inputs, (uint8_t)(last - first),
                     (uint8_t)(matrix->shift - 16));
}
#else
HAR_ROUTINE void har_add_rows(const har_matrix *matrix, uint16_t first, uint16_t last, const har_value *inputs,
                              har_sum *sums)
{
    const uint16_t count = matrix->inputs;
    const uint8_t shift = matrix->shift;
    const size_t pair = (size_t)2 * count;
    const int8_t *weights = matrix->weights + pair / 2 * first;
    const uint16_t *multiplier = matrix->multipliers + first;
    har_sum *sum = sums + first, *const end = sums + last;
    int32_t totals[4];
#ifdef HAR_DOT_FOUR_ROWS
    for (; end - sum >= 4; sum += 4, multiplier += 4, weights += 2 * pair) {
        har_dot_four_rows(weights, inputs, count, totals);
        sum[0] += har_rescale(totals[0], multiplier[0], shift);
        sum[1] += har_rescale(totals[1], multiplier[1], shift);
        sum[2] += har_rescale(totals[2], multiplier[2], shift);
        sum[3] += har_rescale(totals[3], multiplier[3], shift);
    }
#endif
    for (; sum < end; sum += 2, multiplier += 2, weights += pair) {
        har_dot_two_rows(weights, inputs, count, totals);
        sum[0] += har_rescale(totals[0], multiplier[0], shift);
        if (end - sum > 1)
            sum[1] += har_rescale(totals[1], multiplier[1], shift);
    }
}
#endif

/* Each logit by itself. */
static inline void har_sigmoid_head(const har_sum *logits, uint16_t classes, har_probability *probabilities)
{
    uint16_t k;
    for (k = 0; k < classes; k++)
        probabilities[k] = (har_probability)(har_sigmoid(logits[k]) >> 1);
}

/* exp(-distance) in 2^-15 from distance in 2^-13: a power of two, its fraction from a table; 0 from 16 on */
HAR_ROUTINE uint16_t har_exp_down(uint32_t distance)
{
    const uint16_t half = distance < 131072u ? (uint16_t)(distance / 2) : UINT16_MAX;
    /* log2(e) is 47274 / 2^15: a power with 27 bits below the point, of which the first eleven are used. */
    const uint32_t exponent = (uint32_t)half * 47274u;
    const uint8_t whole = (uint8_t)(exponent >> 27);
    const uint16_t fraction = (uint16_t)(exponent >> 16);
    const uint16_t *entry = har_exp_table + (fraction >> 6 & 31u);
    const uint16_t above = HAR_READ_U16(entry);
    const uint16_t drop = (uint16_t)((uint16_t)(above - HAR_READ_U16(entry + 1)) * (fraction & 63u));
    uint16_t power = (uint16_t)(above - ((uint16_t)(drop + 32u) >> 6));
    if (whole > 0)
        power = whole > 15 ? 0 : (uint16_t)(((power >> (whole - 1)) + 1u) >> 1);
    return power;
}

#if HAR_USE_ATTENTION
/* query . key as a sum, of values with so many bits below the point, at most 12 */
static inline har_sum har_score(const har_value *query, const har_value *key, uint16_t size, uint8_t bits)
{
    int64_t total = 0;
    uint64_t magnitude;
    uint16_t k;
    for (k = 0; k < size; k++)
        total += (int32_t)query[k] * key[k];
    magnitude = har_magnitude_64(total);
    if (2u * bits > 13u)
        magnitude = (magnitude + ((uint64_t)1 << (2u * bits - 14u))) >> (2u * bits - 13u);
    else
        magnitude <<= 13u - 2u * bits;
    if (magnitude > HAR_LARGEST_SCORE)
        magnitude = HAR_LARGEST_SCORE;
    return total < 0 ? -(har_sum)magnitude : (har_sum)magnitude;
}

/* Scores as powers in 2^-15, of which the largest is 1. */
static inline void har_powers(har_sum *scores, uint16_t count)
{
    har_sum largest = scores[0];
    uint16_t k;
    for (k = 1; k < count; k++)
        largest = scores[k] > largest ? scores[k] : largest;
    for (k = 0; k < count; k++)
        scores[k] = har_exp_down((uint32_t)(largest - scores[k]));
}

/* The mean of steps, ``stride`` numbers apart, weighted by powers. */
static inline void har_blend(const har_sum *powers, uint16_t count, const har_value *steps, size_t stride,
                             uint16_t size, har_value *mean)
{
    uint32_t total = 0;
    uint16_t step, k;
    for (step = 0; step < count; step++)
        total += (uint32_t)powers[step];
    for (k = 0; k < size; k++) {
        int64_t sum = 0;
        uint64_t magnitude;
        for (step = 0; step < count; step++)
            sum += (int64_t)powers[step] * steps[step * stride + k];
        magnitude = (har_magnitude_64(sum) + total / 2u) / total;
        mean[k] = (har_value)(sum < 0 ? -(int32_t)magnitude : (int32_t)magnitude);
    }
}
#endif

/* Shifted by the largest logit, so that every power is at most one. */
static inline void har_softmax(har_sum *logits, uint16_t classes, har_probability *probabilities)
{
    har_sum largest = logits[0];
    uint32_t total = 0;
    uint16_t k;
    for (k = 1; k < classes; k++)
        largest = logits[k] > largest ? logits[k] : largest;
    for (k = 0; k < classes; k++) {
        logits[k] = har_exp_down((uint32_t)(largest - logits[k]));
        total += (uint32_t)logits[k];
    }
    for (k = 0; k < classes; k++)
        probabilities[k] = (har_probability)((((uint32_t)logits[k] << 15) + total / 2) / total);
}

#endif
