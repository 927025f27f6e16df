/* Models that arrive as bytes at run time: over a wire, in a page, from a file. A firmware with a generated header does
 * not need this. The layout is in models/portable/blob.py. */
#ifndef HAR_BLOB_H
#define HAR_BLOB_H

#include "har.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Describe the model in a blob, which stays where it is and must outlive the model: 4-byte aligned, little-endian. Every
 * number in it is checked, so that no blob makes the engine read past it or overflow an integer. HAR_SMALL_MEMORY: more
 * than layer_room layers. */
har_status har_load(har_model *model, har_layer *layers, size_t layer_room, const void *blob, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
