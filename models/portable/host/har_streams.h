/* A recorded stream, decoded at once: what models/decoder/push.py and models/decoder/markov.py do step by step, to the
 * bit. In double, without contraction of products and sums. The decoders of devices are in ../decoder, in float. */
#ifndef HAR_STREAMS_H
#define HAR_STREAMS_H

#include <stddef.h>
#include <stdint.h>

/* Bounds in g, times in samples. */
typedef struct har_stream_rules {
    double strong_g, weak_g, moving_g, jump_g;
    int64_t smoothing, settling, baseline, longest_push;
} har_stream_rules;

/* PushState of push.py. */
typedef struct har_stream_state {
    double length, baseline, deviation;
    int64_t seen, off, direction, rides, ready;
} har_stream_state;

/* Take samples (x, y, z), and write the direction of an elevator after each. */
void har_streams_listen(const har_stream_rules *rules, har_stream_state *state, const float *samples_g, size_t count,
                        int8_t *directions);

/* Take the evidence of windows, and write their posteriors, rows of ``classes`` numbers. ``belief`` is that of the window
 * before, where ``begun``; afterwards, that of the last one. */
void har_streams_forward(const double *transitions, const double *evidence, size_t windows, size_t classes,
                         double *belief, int begun, double *posteriors);

/* Add up windows of ``length`` samples (x, y, z), ``hop`` apart: for each the sums of x, y and z, and of their squares
 * where ``squares`` is not NULL. The order of the sums depends on ``length`` alone. */
void har_streams_sums(const float *samples_g, size_t windows, size_t length, size_t hop, double *sums, double *squares);

#endif
