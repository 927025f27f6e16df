/* Models that arrive as bytes at run time: over a wire, in a page, from a file. A firmware with a generated header does
 * not need this. The layout is in models/portable/blob.py.
 *
 * A blob is a stranger's bytes. har_load looks at every number that the engine will use, and takes a blob only if
 *
 *   - its length is the one it names, and its checksum is right;
 *   - it has 2 to 255 layers, at least one of them run for every sample and at least one, all dense, at the end;
 *   - its window is 1 to 2047 samples, and its classes, at most 255, are the outputs of its last layer; a sample has at
 *     most 15 bits below the point;
 *   - every layer takes what the one before it hands on, the first one the channels; the last layer, and no other, is
 *     a dense head; only a GRU that resets after the product has a bias in its recurrent kernel;
 *   - forks and the ends of their branches fit one another, and how many joined vectors wait follows from them alone; behind
 *     a mask there are recurrent and dense layers;
 *   - every array begins behind the records at a multiple of 4 bytes and ends within the blob, and all arrays together
 *     take no more bytes than there are;
 *   - scratch_sums, kept_sums and kept_values are at most 65535 each;
 *   - float numbers are finite; integers keep to the bounds within which no sum leaves 32 bits.
 *
 * These are the rules of models/portable/rules.py, by which firmware is generated: what one reader takes, the other takes
 * too. So no blob makes the engine read or write outside of the blob and the memory that the model asks for. */
#ifndef HAR_BLOB_H
#define HAR_BLOB_H

#include "har.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Describe the model in a blob, which stays where it is and must outlive the model: 4-byte aligned, little-endian.
 * HAR_SMALL_MEMORY: more than layer_room layers. */
har_status har_load(har_model *model, har_layer *layers, size_t layer_room, const void *blob, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
