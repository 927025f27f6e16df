/* States are copied into the engine's memory, and out of it again: between calls the library keeps nothing. */
#include "har_native_stream.h"

#include <string.h>

/* Copy the states of all layers into the engine, or out of it. */
static har_status har_copy_states(const har_engine *engine, har_value *hidden, har_sum *cells, int into)
{
    uint8_t layer;
    for (layer = 0; layer < engine->model->step_layers; layer++) {
        const size_t units = engine->model->layers[layer].units;
        har_value *own;
        har_sum *cell;
        har_status status;
        if (engine->model->layers[layer].kind == HAR_DENSE)
            continue;
        status = har_stream_state(engine, layer, &own, &cell);
        if (status != HAR_OK)
            return status;
        memcpy(into ? own : hidden, into ? hidden : own, units * sizeof *own);
        hidden += units;
        if (cell) {
            memcpy(into ? cell : cells, into ? cells : cell, units * sizeof *cell);
            cells += units;
        }
    }
    return HAR_OK;
}

har_status har_native_stream(const har_native *native, void *memory, const har_sample *samples, size_t count,
                             har_value *hidden, har_sum *cells, void *outputs)
{
    const har_model *model = &native->model;
    const size_t sum_count = (size_t)model->scratch_sums + model->kept_sums;
    har_sum *sums = memory;
    har_value *values = (har_value *)(void *)(sums + sum_count);
    har_engine engine;
    har_status status = har_open(&engine, model, sums, sum_count, values, model->kept_values);
    if (status == HAR_OK)
        status = har_copy_states(&engine, hidden, cells, 1);
    for (; status == HAR_OK && count > 0; count--, samples += model->channels)
        status = har_stream_step(&engine, samples);
    if (status == HAR_OK)
        status = har_copy_states(&engine, hidden, cells, 0);
    if (status != HAR_OK)
        return status;
    return model->head == HAR_LINEAR_HEAD ? har_finish_numbers(&engine, outputs) : har_finish(&engine, outputs);
}
