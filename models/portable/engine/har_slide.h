/* Windows that overlap, without a window buffer and without computing a step twice: one engine for every hop of the
 * window, each begun a hop after the one before. A label is ready one step after a window's last sample.
 *
 * Costs: window / hop steps a sample, and as many states; the scratch memory is shared. Gains: no buffer of samples, and
 * no burst of a window's steps at every hop. */
#ifndef HAR_SLIDE_H
#define HAR_SLIDE_H

#include "har.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct har_slide {
    har_engine *engines;
    uint16_t phases; /* engines */
    uint16_t hop;
    uint16_t since; /* samples since the last engine began */
    uint16_t next;  /* engine that begins next */
} har_slide;

/* Engines that windows of a model at this hop need. */
uint16_t har_slide_phases(const har_model *model, uint16_t hop);

/* Open ``phases`` engines. Memory: scratch_sums + phases x kept_sums sums, phases x kept_values values. */
har_status har_slide_open(har_slide *slide, const har_model *model, har_engine *engines, uint16_t phases, uint16_t hop,
                          har_sum *sums, size_t sum_count, har_value *values, size_t value_count);

/* Forget all windows that have begun: after a gap in the samples. */
har_status har_slide_reset(har_slide *slide);

/* Take a sample. If a window is complete, *complete is its engine, to be given to har_finish before the next sample;
 * otherwise NULL. */
har_status har_slide_step(har_slide *slide, const har_sample *sample, const har_engine **complete);

#ifdef __cplusplus
}
#endif

#endif
