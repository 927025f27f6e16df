/* The engine as a shared library for streams: samples and states in, probabilities and states out. */
#ifndef HAR_NATIVE_STREAM_H
#define HAR_NATIVE_STREAM_H

#include "har_native.h"
#include "har_stream.h"

/* Take ``count`` samples (count, channels), from the states of all layers one after the other, which become those after
 * the last sample: hidden (units of every recurrent layer) and cells (units of every LSTM). The memory is that of
 * har_native_memory. */
har_status har_native_stream(const har_native *native, void *memory, const har_sample *samples, size_t count,
                             har_value *hidden, har_sum *cells, void *outputs);

#endif
