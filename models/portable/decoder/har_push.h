/* The pushes of an elevator: the first strong one of a ride says whether it goes up or down. About ten operations a
 * sample and no buffer. The same as models/decoder/push.py, in float. */
#ifndef HAR_PUSH_H
#define HAR_PUSH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bounds in g, times in samples. */
typedef struct har_push_rules {
    uint16_t up; /* positions of the two labels */
    uint16_t down;
    float log_odds; /* what a push in one direction gives its label against the other */
    float strong_g;
    float weak_g;
    float moving_g;
    float jump_g;
    uint32_t smoothing;
    uint32_t settling;
    uint32_t baseline;
    uint32_t longest_push;
} har_push_rules;

/* What is remembered of a stream. Only these functions read and write its members. */
typedef struct har_push {
    const har_push_rules *rules;
    float length; /* smoothed */
    float baseline;
    float deviation;
    uint32_t seen; /* samples in the baseline */
    uint32_t off;  /* samples off the baseline, one after the other */
    int8_t direction;
    uint8_t rides;
    uint8_t ready;
} har_push;

/* Begin a stream. The rules must outlive it. */
void har_push_open(har_push *push, const har_push_rules *rules);

/* Take a sample (x, y, z); return the direction after it: 1 up, -1 down, 0 not known. */
int8_t har_push_step(har_push *push, const float sample_g[3]);

/* Move probability between the two labels as a direction says; all others, and the sum of the two, stay. */
void har_push_redistribute(const har_push_rules *rules, int8_t direction, float *posterior);

#ifdef __cplusplus
}
#endif

#endif
