/* The engine with units in the lanes, for a single window. */
#define HAR_NUMBERS_HEADER "har_lanes.h"
#define HAR_ARITHMETIC_HEADER "har_units.h"
#define har_open har_units_open
#define har_reset har_units_reset
#define har_step har_units_step
#define har_finish har_units_finish
#define har_finish_numbers har_units_finish_numbers
#include "../engine/har_engine.c"

#include "har_fast.h"
#include "har_wave.h"

size_t har_lane_count(void)
{
    return HAR_LANES;
}

int har_units_fit(const har_model *model)
{
    uint8_t index;
    for (index = 0; index < model->layer_count; index++) {
        const har_layer *layer = model->layers + index;
        if (layer->kind < HAR_DENSE && layer->units % HAR_LANES != 0)
            return 0;
        if (!HAR_USE_BRANCHES && layer->kind >= HAR_FORK)
            return 0;
    }
    return 1;
}

/* Vectors of an engine's sums, and of everything it keeps. */
static size_t har_sum_vectors(const har_model *model)
{
    return HAR_SCRATCH_SUMS(model) + HAR_KEPT_SUMS(model);
}

static size_t har_engine_vectors(const har_model *model)
{
    return har_sum_vectors(model) + HAR_KEPT_VALUES(model);
}

size_t har_units_memory(const har_model *model)
{
    return (har_engine_vectors(model) + HAR_SPAN(model->channels) + har_wave_vectors(model)) * sizeof(har_lanes);
}

/* Step after step, from samples that can be read by whole vectors, as a pool or a way around does. */
static har_status har_walk(har_engine *engine, har_lanes *vectors, const float *window)
{
    const har_model *model = engine->model;
    float *sample = model->needs_whole_windows ? (float *)vectors : NULL;
    har_status status = HAR_OK;
    uint16_t step;
    for (step = 0; status == HAR_OK && step < model->window; step++, window += model->channels) {
        if (sample)
            memcpy(sample, window, model->channels * sizeof *sample);
        status = har_step(engine, sample ? sample : window);
    }
    return status;
}

har_status har_units_predict(const har_model *model, void *memory, const float *window, float *outputs)
{
    const size_t sums = har_sum_vectors(model), values = HAR_KEPT_VALUES(model);
    har_lanes *vectors = memory;
    har_engine engine;
    har_status status = har_open(&engine, model, vectors, sums, vectors + sums, values);
    vectors += sums + values;
    if (status == HAR_OK) {
        if (har_wave_vectors(model) > 0)
            har_wave_run(&engine, vectors, window);
        else
            status = har_walk(&engine, vectors, window);
    }
    if (status != HAR_OK)
        return status;
    return model->head == HAR_LINEAR_HEAD ? har_finish_numbers(&engine, outputs) : har_finish(&engine, outputs);
}
