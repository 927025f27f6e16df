/* The one loop everything else waits for: two rows of int8 weights times one vector of int16 values.
 *
 * Weights come interleaved (a0 b0 a1 b1 ...): on a Cortex-M4 one word holds two weights of either row, which SXTB16
 * parts into pairs for SMLAD; an AVR walks them with its only flash pointer and loads each value once for both rows,
 * in har_avr.S.
 * At most 511 inputs: 511 x 128 x 32768 is the last sum below 2^31. */
#ifndef HAR_DOT_H
#define HAR_DOT_H

#include "har_port.h"

#if defined(__ARM_FEATURE_DSP)

#include <arm_acle.h>

static inline uint32_t har_word(const void *address)
{
    uint32_t word;
    memcpy(&word, address, sizeof word);
    return word;
}

static inline void har_dot_two_rows(const int8_t *weights, const int16_t *values, uint16_t count, int32_t *first,
                                    int32_t *second)
{
    int32_t a = 0, b = 0;
    uint16_t pairs = count / 2;
    for (; pairs >= 2; pairs = (uint16_t)(pairs - 2), weights += 8, values += 4) {
        const uint32_t near = har_word(weights), far = har_word(weights + 4);
        const int16x2_t low = (int16x2_t)har_word(values), high = (int16x2_t)har_word(values + 2);
        a = __smlad(__sxtb16((int8x4_t)near), low, a);
        b = __smlad(__sxtb16((int8x4_t)__ror(near, 8)), low, b);
        a = __smlad(__sxtb16((int8x4_t)far), high, a);
        b = __smlad(__sxtb16((int8x4_t)__ror(far, 8)), high, b);
    }
    for (count = (uint16_t)(count & 3u); count > 0; count--, weights += 2, values++) {
        a += (int32_t)weights[0] * values[0];
        b += (int32_t)weights[1] * values[0];
    }
    *first = a;
    *second = b;
}

#else

static inline void har_dot_two_rows(const int8_t *weights, const int16_t *values, uint16_t count, int32_t *first,
                                    int32_t *second)
{
    int32_t a = 0, b = 0;
    for (; count > 0; count--, weights += 2, values++) {
        a += (int32_t)HAR_READ_I8(weights) * *values;
        b += (int32_t)HAR_READ_I8(weights + 1) * *values;
    }
    *first = a;
    *second = b;
}

#endif

#endif
