/* The engine with units in the lanes, for a single window. */
#define HAR_NUMBERS_HEADER "har_lanes.h"
#define HAR_ARITHMETIC_HEADER "har_units.h"
#define har_open har_units_open
#define har_reset har_units_reset
#define har_step har_units_step
#define har_finish har_units_finish
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
    for (index = 0; index < model->layer_count; index++)
        if (model->layers[index].kind != HAR_DENSE && model->layers[index].units % HAR_LANES != 0)
            return 0;
    return 1;
}

/* Vectors of an engine's sums, and of everything it keeps. */
static size_t har_sum_vectors(const har_model *model)
{
    return HAR_SPAN(model->scratch_sums) + HAR_KEPT_SUMS(model);
}

static size_t har_engine_vectors(const har_model *model)
{
    return har_sum_vectors(model) + HAR_KEPT_VALUES(model);
}

size_t har_units_memory(const har_model *model)
{
    return (har_engine_vectors(model) + har_wave_vectors(model)) * sizeof(har_lanes);
}

har_status har_units_predict(const har_model *model, void *memory, const float *window, float *probabilities)
{
    const size_t sums = har_sum_vectors(model);
    har_lanes *vectors = memory;
    har_engine engine;
    har_status status = har_open(&engine, model, vectors, sums, vectors + sums, HAR_KEPT_VALUES(model));
    if (status == HAR_OK && har_wave_vectors(model) > 0) {
        har_wave_run(&engine, vectors + har_engine_vectors(model), window);
        engine.steps = model->window;
    }
    for (; status == HAR_OK && engine.steps < model->window; window += model->channels)
        status = har_step(&engine, window);
    return status == HAR_OK ? har_finish(&engine, probabilities) : status;
}
