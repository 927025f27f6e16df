/* The engine counts the samples of a window; a stream begins to count anew with each. */
#include "har_stream.h"

#include "har_port.h"

#ifndef HAR_FLOAT
/* 2047 x 2^20, one step below the end of 32 bits: a cell grows by at most 2^20 a step. */
#define HAR_LARGEST_CELL 2146435072

static void har_hold_cells(har_engine *engine)
{
    uint16_t k;
    HAR_VIEW(har_model, model, engine->model);
    for (k = 0; k < model->kept_sums; k++) {
        if (engine->sums[k] > HAR_LARGEST_CELL)
            engine->sums[k] = HAR_LARGEST_CELL;
        else if (engine->sums[k] < -HAR_LARGEST_CELL)
            engine->sums[k] = -HAR_LARGEST_CELL;
    }
}
#endif

/* Whether a model has but layers that take each sample by itself, and a state. */
static int har_is_streamed(const har_model *model)
{
#if HAR_USE_TIME
    uint8_t index;
    for (index = 0; index < model->step_layers; index++) {
        HAR_VIEW(har_layer, layer, model->layers + index);
        if (layer->kind > HAR_DENSE || layer->merge)
            return 0;
    }
#else
    (void)model;
#endif
    return 1;
}

har_status har_stream_step(har_engine *engine, const har_sample *sample)
{
    har_status status;
    if (!engine || !sample)
        return HAR_BAD_ARGUMENT;
    HAR_VIEW(har_model, model, engine->model);
    if (!har_is_streamed(model))
        return HAR_NO_STREAM;
    engine->steps = 0;
    status = har_step(engine, sample);
#ifndef HAR_FLOAT
    if (status == HAR_OK)
        har_hold_cells(engine);
#endif
    return status;
}

har_status har_stream_state(const har_engine *engine, uint8_t layer, har_value **hidden, har_sum **cell)
{
    har_value *values;
    har_sum *sums;
    uint8_t index;
    if (!engine || !hidden || !cell)
        return HAR_BAD_ARGUMENT;
    values = engine->values;
    sums = engine->sums;
    HAR_VIEW(har_model, model, engine->model);
    if (!har_is_streamed(model))
        return HAR_NO_STREAM;
    for (index = 0; index < model->step_layers && index <= layer; index++) {
        HAR_VIEW(har_layer, each, model->layers + index);
        if (index == layer && each->kind != HAR_DENSE) {
            *hidden = values;
            *cell = each->kind == HAR_LSTM ? sums : NULL;
            return HAR_OK;
        }
        /* As the engine goes through its memory: a GRU that resets before the product keeps room for that. */
        values += each->kind == HAR_GRU ? 2 * each->units : each->units;
        sums += each->kind == HAR_LSTM ? each->units : 0;
    }
    return HAR_BAD_ARGUMENT;
}
