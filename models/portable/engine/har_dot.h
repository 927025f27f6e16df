/* The one loop everything else waits for: rows of int8 weights times one vector of int16 values.
 *
 * Weights come in pairs of rows, interleaved (a0 b0 a1 b1 ...): on a Cortex-M4 one word holds two weights of either row,
 * which SXTB16 parts into pairs for SMLAD; an AVR walks them with its only flash pointer and loads each value once for
 * both rows, in har_avr.S. At most 511 inputs: 511 x 128 x 32768 is the last sum below 2^31. */
#ifndef HAR_DOT_H
#define HAR_DOT_H

#include "har_port.h"

#if defined(__ARM_FEATURE_DSP)

#include <arm_acle.h>

/* Four bytes at any address. */
static inline uint32_t har_word(const void *address)
{
    uint32_t word;
    memcpy(&word, address, sizeof word);
    return word;
}

/* The second row's weights of a word; compilers do not find the rotation that SXTB16 has for nothing. */
static inline int16x2_t har_second(uint32_t word)
{
    int16x2_t parted;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(parted) : "r"(word));
    return parted;
}

/* Two inputs of one pair of rows. */
#define HAR_TWO_INPUTS(word, values, first, second)                  \
    do {                                                             \
        const uint32_t weights_ = (word);                            \
        first = __smlad(__sxtb16((int8x4_t)weights_), values, first); \
        second = __smlad(har_second(weights_), values, second);      \
    } while (0)

#define HAR_DOT_FOUR_ROWS 1

/* Four inputs of two pairs of rows. */
#define HAR_FOUR_INPUTS(weights, other, values, a, b, c, d)                                           \
    do {                                                                                              \
        const int16x2_t low_ = (int16x2_t)har_word(values), high_ = (int16x2_t)har_word((values) + 2); \
        HAR_TWO_INPUTS(har_word(weights), low_, a, b);                                                \
        HAR_TWO_INPUTS(har_word((weights) + 4), high_, a, b);                                         \
        HAR_TWO_INPUTS(har_word(other), low_, c, d);                                                  \
        HAR_TWO_INPUTS(har_word((other) + 4), high_, c, d);                                           \
    } while (0)

/* Four rows at once: a word of values is used for two pairs of rows. */
static inline void har_dot_four_rows(const int8_t *weights, const int16_t *values, uint16_t count, int32_t totals[4])
{
    const int8_t *other = weights + (size_t)2 * count;
    const int16_t *const end = values + count, *const eighth = values + (count & ~7u);
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (; values < eighth; weights += 16, other += 16, values += 8) {
        HAR_FOUR_INPUTS(weights, other, values, a, b, c, d);
        HAR_FOUR_INPUTS(weights + 8, other + 8, values + 4, a, b, c, d);
    }
    for (; values < end; weights += 2, other += 2, values++) {
        a += (int32_t)weights[0] * values[0];
        b += (int32_t)weights[1] * values[0];
        c += (int32_t)other[0] * values[0];
        d += (int32_t)other[1] * values[0];
    }
    totals[0] = a;
    totals[1] = b;
    totals[2] = c;
    totals[3] = d;
}

#endif

/* One pair of rows. */
static inline void har_dot_two_rows(const int8_t *weights, const int16_t *values, uint16_t count, int32_t totals[2])
{
    int32_t a = 0, b = 0;
    for (; count > 0; count--, weights += 2, values++) {
        a += (int32_t)weights[0] * *values;
        b += (int32_t)weights[1] * *values;
    }
    totals[0] = a;
    totals[1] = b;
}

#endif
