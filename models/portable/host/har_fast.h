/* Two forms of the float engine that use a machine's vector registers. */
#ifndef HAR_FAST_H
#define HAR_FAST_H

#include "har.h"

/* Lanes of a vector. */
size_t har_lane_count(void);

/* Lanes are units: whether every recurrent layer fills whole vectors, bytes of memory, and one window. */
int har_units_fit(const har_model *model);
size_t har_units_memory(const har_model *model);
har_status har_units_predict(const har_model *model, void *memory, const float *window, float *outputs);

/* Lanes are windows: bytes of memory, and as many windows as there are lanes. */
size_t har_windows_memory(const har_model *model);
har_status har_windows_predict(const har_model *model, void *memory, const float *windows, size_t count,
                               float *outputs, size_t *done);

#endif
