/* The engine as a shared library for the machine at hand: whole windows in, probabilities or numbers out. */
#ifndef HAR_NATIVE_H
#define HAR_NATIVE_H

#include "har_blob.h"

/* As many layers as a blob may have. */
#define HAR_NATIVE_LAYERS 255

typedef struct har_native {
    har_model model;
    har_layer layers[HAR_NATIVE_LAYERS];
} har_native;

/* Bytes of a har_native, for callers that do not compile this header. */
size_t har_native_size(void);

/* Describe the model in a blob that stays where it is. */
har_status har_native_open(har_native *native, const void *blob, size_t bytes);

/* Bytes of memory that har_native_predict works in; aligned to 64. */
size_t har_native_memory(const har_native *native);

/* Run ``count`` windows (count, window, channels), each from a fresh state. Out come har_probability or, where the head is
 * HAR_LINEAR_HEAD, har_number. */
har_status har_native_predict(const har_native *native, void *memory, const har_sample *windows, size_t count,
                              void *outputs);

#endif
