/* One stream instead of windows: samples without an end, the state carried from each to the next, and probabilities
 * whenever they are asked for.
 *
 *   har_open, har_reset   begin a stream
 *   har_stream_step       one sample; never full
 *   har_finish            the probabilities after the last sample; the state stays, the next sample may follow
 *   har_stream_state      where a layer's state lies: read it to keep it, write it to go on from there
 *
 * Of recurrent layers that walk forwards, and dense ones; other models are HAR_NO_STREAM.
 *
 * A model that was trained on windows has learned what follows zeros: reset it where a window would begin, or train it
 * for a stream. */
#ifndef HAR_STREAM_H
#define HAR_STREAM_H

#include "har.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Take one sample of model->channels numbers. In integers a cell that grows on and on is held within +-2047 (2^-20
 * each), which no window reaches. */
har_status har_stream_step(har_engine *engine, const har_sample *sample);

/* Write where the state of a layer lies: model->layers[layer].units values of its output, and of an LSTM as many sums of
 * its cell, of another layer NULL. HAR_BAD_ARGUMENT for a layer that has no state. */
har_status har_stream_state(const har_engine *engine, uint8_t layer, har_value **hidden, har_sum **cell);

#ifdef __cplusplus
}
#endif

#endif
