/* From a stream of posteriors to labels a person can follow: tell elevators apart, smooth, reject, dwell. The same as
 * models/decoder, in float: posteriors agree within 1e-4, held together by tests/golden/decoder.json.
 *
 *   har_decoder_open    give it a bundle's rules, the hop, a lag, and memory
 *   har_decoder_watch   every sample of the stream, in g
 *   har_decoder_feed    the posterior of every window: a label comes, at once or after the lag
 *   har_decoder_finish  the labels that still wait, one after the other
 *   har_decoder_reset   after a gap in the samples
 *
 * No allocation, no global state. */
#ifndef HAR_DECODER_H
#define HAR_DECODER_H

#include "har_push.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAR_UNKNOWN (-1) /* the label of what no class explains well enough */

/* What a bundle says, counted in windows at its own hop. */
typedef struct har_decoder_rules {
    uint16_t classes;
    uint16_t hop;        /* samples from one window to the next */
    uint16_t smoothing;  /* windows of a mean; 1 for none */
    uint16_t dwell;      /* windows another label must lead */
    float reject_below;  /* a probability */
    float stay;          /* of a hidden Markov model, the probability of staying for a hop; 0 for none */
    float shared;        /* samples of the stream that count as one posterior's evidence */
    uint8_t has_push;
    har_push_rules push;
} har_decoder_rules;

/* What is remembered of a stream. Only these functions read and write its members. */
typedef struct har_decoder {
    const har_decoder_rules *rules;
    har_push push;
    float *belief; /* a row of the Markov model */
    float *rows;   /* a ring: posteriors of a mean, or evidence that waits for its lag */
    uint16_t room; /* rows in the ring */
    uint16_t held; /* rows in use */
    uint16_t oldest;
    uint16_t dwell;
    uint16_t led;
    int16_t shown;
    int16_t challenger;
    float kept;   /* what one window leaves of a difference between two beliefs */
    float weight; /* exponent of a posterior */
    uint8_t begun;
    uint8_t speaks; /* a label is shown */
} har_decoder;

typedef struct har_decoded {
    int16_t label; /* a position among the labels, or HAR_UNKNOWN */
    float probability;
} har_decoded;

/* Windows at ``hop`` that span what so many span at ``own_hop``; one stays one. */
#define HAR_DECODER_COUNT(windows, own_hop, hop) \
    (1ul + (2ul * ((windows) - 1ul) * (own_hop) + (hop)) / (2ul * (hop)))

/* Floats of memory, from above. */
#define HAR_DECODER_ROOM(classes, is_markov, smoothing, own_hop, hop, lag) \
    ((classes) * ((is_markov) ? 2ul + (lag) : HAR_DECODER_COUNT(smoothing, own_hop, hop)))

/* Open a decoder for windows ``hop`` samples apart; ``lag`` is how many later windows a label waits for, and only a hidden
 * Markov model waits. The rules and the memory must outlive it. Returns 0 where a pointer is missing, a count is zero, or
 * the memory is too small. */
uint8_t har_decoder_open(har_decoder *decoder, const har_decoder_rules *rules, uint16_t hop, uint16_t lag, float *memory,
                         size_t floats);

/* Forget everything: the stream was broken. */
void har_decoder_reset(har_decoder *decoder);

/* Take a sample (x, y, z); return the direction of an elevator after it. Where there is none, nothing is computed. */
int8_t har_decoder_watch(har_decoder *decoder, const float sample_g[3]);

/* Take the posterior of a window, and what har_decoder_watch returned for its last sample. Returns 1 where a label is
 * complete; ``posterior`` is then the smoothed one, of the window a lag before. */
uint8_t har_decoder_feed(har_decoder *decoder, float *posterior, int8_t direction, har_decoded *decoded);

/* Take the next label that still waits for its lag, and write its posterior. Returns 0 where none waits: then the decoder
 * has forgotten everything. */
uint8_t har_decoder_finish(har_decoder *decoder, float *posterior, har_decoded *decoded);

#ifdef __cplusplus
}
#endif

#endif
